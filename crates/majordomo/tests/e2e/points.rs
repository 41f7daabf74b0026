//! Every place where the program may be killed, by the walk that kills it there. A point that no walk knows, or a walk that names
//! a point nobody has, fails here.

use std::{collections::BTreeSet, fs, path::Path};

/// From a question to its answer, with one read on the way. `name:2` is the second time the walk comes by.
pub const QUESTION: [&str; 23] = [
    "rx",
    "ingest.tx",
    "ingest.done",
    "ack",
    "lease",
    "prompt",
    "llm.send",
    "llm.first",
    "llm.mid",
    "llm.end",
    "step.tx",
    "step.done",
    "tool.sent",
    "tool.reply",
    "result.tx",
    "result.done",
    "prompt:2",
    "llm.send:2",
    "llm.first:2",
    "llm.mid:2",
    "llm.end:2",
    "final.tx",
    "final.done",
];

/// From a question to the approval that its change waits for.
pub const PARKING: [&str; 25] = [
    "rx",
    "ingest.tx",
    "ingest.done",
    "ack",
    "lease",
    "prompt",
    "llm.send",
    "llm.first",
    "llm.mid",
    "llm.end",
    "step.tx",
    "step.done",
    "tool.sent",
    "tool.reply",
    "appr.tx",
    "result.tx",
    "result.done",
    "appr.shown",
    "prompt:2",
    "llm.send:2",
    "llm.first:2",
    "llm.mid:2",
    "llm.end:2",
    "final.tx",
    "final.done",
];

/// From a yes to the answer that follows what was done.
pub const CARRYING: [&str; 19] = [
    "appr.rx",
    "appr.cas",
    "ack",
    "lease",
    "step.tx",
    "step.done",
    "intent.tx",
    "intent.done",
    "tool.sent",
    "tool.reply",
    "result.tx",
    "result.done",
    "prompt",
    "llm.send",
    "llm.first",
    "llm.mid",
    "llm.end",
    "final.tx",
    "final.done",
];

/// From a no to its end.
pub const DECLINING: [&str; 6] = ["appr.rx", "appr.cas", "ack", "lease", "final.tx", "final.done"];

/// From a wish that was granted to the news that it can be watched.
pub const FOLLOWING: [&str; 3] = ["follow.tx", "news.tx", "news.done"];

/// From the signal to stop to the end of the process, while a turn runs.
pub const STOPPING: [&str; 3] = ["stop.rx", "drain", "drain:3"];

/// Where somebody's stop is written down.
pub const CANCELLING: [&str; 2] = ["cancel.tx", "cancel.done"];

/// Where old messages become a summary.
pub const FOLDING: [&str; 1] = ["compact.tx"];

/// Where the rest is killed: at each time its commands come by.
pub const BACKUP: &str = "backup";
pub const RESTORE: &str = "restore";
pub const MIGRATE: &str = "migrate";
pub const COPY: &str = "copy";
pub const ROTATE: [&str; 4] = ["rotate.begun", "rotate.sealed", "rotate", "rotate.tx"];
pub const ROTATE_MASTER: &str = "rotate.master";

/// The name without the number of times.
pub fn name(point: &str) -> &str {
    point.split_once(':').map_or(point, |(name, _)| name)
}

#[test]
fn every_fault_point_is_walked_and_every_walked_one_is_there() {
    let walks: [&[&str]; 10] = [
        &QUESTION,
        &PARKING,
        &CARRYING,
        &DECLINING,
        &FOLLOWING,
        &STOPPING,
        &CANCELLING,
        &FOLDING,
        &ROTATE,
        &[BACKUP, RESTORE, MIGRATE, COPY, ROTATE_MASTER],
    ];
    let walked: BTreeSet<String> = walks.into_iter().flatten().map(|point| name(point).to_owned()).collect();
    let mut there = BTreeSet::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for entry in fs::read_dir(crates).unwrap() {
        collect(&entry.unwrap().path().join("src"), &mut there);
    }
    assert!(there.len() > 30, "the sources were read: {there:?}");
    let (unwalked, gone): (Vec<_>, Vec<_>) = (there.difference(&walked).collect(), walked.difference(&there).collect());
    assert!(unwalked.is_empty(), "no walk kills the program at {unwalked:?}");
    assert!(gone.is_empty(), "walked, but nowhere in the sources: {gone:?}");
}

fn collect(folder: &Path, points: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, points);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("fault_point!(\"").skip(1) {
                points.extend(rest.split_once('"').map(|(point, _)| point.to_owned()));
            }
        }
    }
}
