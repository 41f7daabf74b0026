//! Whole walks through the real program: settings, page's API, Movie Analyst API, model and tools on loopback, kill and restart.

mod harness;
mod points;

mod flows {
    mod analyst;
    mod arrows;
    mod backup;
    mod canaries;
    mod crash;
    mod decisions;
    mod disk;
    mod doctor;
    mod family;
    mod faults;
    mod files;
    mod finding;
    mod house;
    mod injected;
    mod kills;
    mod lost_day;
    mod media;
    mod outages;
    mod party;
    mod secrets;
    mod settings;
    mod several;
    mod tastes;
    mod tokens;
    mod walk;
    mod whereabouts;
    mod wishes;
}
