//! Named places where a test stops the process as a power cut would. Builds with debug assertions only; elsewhere a point is
//! nothing at all.

/// Stop the process here when this point is asked for: by name in the environment variable `MAJORDOMO_FAULT_POINT`, or in the file
/// that `MAJORDOMO_FAULT_FILE` names, which may come, change and go while the process runs. `name:3` stops at the third time the
/// point is reached; in a file, at the third time since that was written.
#[macro_export]
macro_rules! fault_point {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::fault::reach($name);
    };
}

#[cfg(debug_assertions)]
pub fn reach(name: &'static str) {
    use std::sync::{Mutex, OnceLock, PoisonError};
    static FILE: OnceLock<Option<std::ffi::OsString>> = OnceLock::new();
    static VARIABLE: OnceLock<String> = OnceLock::new();
    /// What was asked for when this was last looked at, and how often its point was reached since.
    static REACHED: Mutex<(String, u32)> = Mutex::new((String::new(), 0));
    let asked = match FILE.get_or_init(|| std::env::var_os("MAJORDOMO_FAULT_FILE")) {
        Some(file) => std::fs::read_to_string(file).unwrap_or_default(),
        None => VARIABLE.get_or_init(|| std::env::var("MAJORDOMO_FAULT_POINT").unwrap_or_default()).clone(),
    };
    let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    if reached.0 != asked {
        *reached = (asked, 0);
    }
    let (asked, times) = &mut *reached;
    let (point, time) = match asked.split_once(':') {
        Some((point, time)) => (point, time.parse().unwrap_or(u32::MAX)),
        None => (asked.as_str(), 1),
    };
    if point == name {
        *times += 1;
        if *times == time {
            std::process::abort();
        }
    }
}
