//! Named places where a test stops the process as a power cut would. Builds with debug assertions only; elsewhere a point is
//! nothing at all.

/// Stop the process here when the environment variable `MAJORDOMO_FAULT_POINT` names this point. `name:3` stops at the third
/// time it is reached.
#[macro_export]
macro_rules! fault_point {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::fault::reach($name);
    };
}

#[cfg(debug_assertions)]
pub fn reach(name: &'static str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };
    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("MAJORDOMO_FAULT_POINT").ok()?;
        match text.split_once(':') {
            Some((name, time)) => Some((name.to_owned(), time.parse().ok()?)),
            None => Some((text, 1)),
        }
    });
    if let Some((point, time)) = wanted
        && point == name
        && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *time
    {
        std::process::abort();
    }
}
