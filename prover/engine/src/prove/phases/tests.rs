use std::sync::Mutex;

use super::*;

/// What `control` hears of these (list, share) from tasks that end in this order.
fn heard(shares: &[(usize, f64)]) -> (Vec<(Phase, f64)>, Steps) {
    let heard = Mutex::new(Vec::new());
    let report = |progress: crate::Progress| {
        heard.lock().unwrap().push((progress.phase, progress.fraction));
    };
    let control = Control::default().with_progress(&report);
    let steps = Steps {
        stopwatch: Stopwatch::start(),
        shares: [Share::default(); 4],
        current: 0,
        times: Vec::new(),
    };
    let steps = Relay::new(&control, steps);
    for &(list, share) in shares {
        steps.pass(|steps, reports| steps.hear(list, share, reports));
    }
    let steps = steps.into_inner();
    (heard.into_inner().unwrap(), steps)
}

#[test]
fn only_larger_shares_are_reported() {
    let mut share = Share::default();
    let heard = [0.0, 0.25, 0.5, 0.25, 0.5, 0.75, 0.0, 1.0, 0.75, 1.0];
    let reported = heard.map(|heard| share.rises_to(heard));
    assert_eq!(
        reported,
        [false, true, true, false, false, true, false, true, false, false]
    );
}

/// Tasks of two lists that overlap, and late ones: each list runs from 0 to 1, and the next begins after it.
#[test]
fn lists_are_reported_one_after_the_other() {
    use Phase::{A, B1, B2, L};
    let (reports, steps) = heard(&[
        (0, 0.5),
        (0, 0.25),
        (1, 0.25),
        (0, 1.0),
        (0, 0.75),
        (1, 0.75),
        (1, 0.5),
        (2, 1.0),
        (1, 1.0),
        (3, 0.5),
        (3, 1.0),
        (3, 0.75),
        (4, 1.0),
    ]);
    let expected = [
        (L, 0.5),
        (L, 1.0),
        (A, 0.0),
        (A, 0.75),
        (A, 1.0),
        (B1, 0.0),
        (B1, 1.0),
        (B2, 0.0),
        (B2, 0.5),
        (B2, 1.0),
    ];
    assert_eq!(reports, expected);
    let timed: Vec<Phase> = steps.times.iter().map(|time| time.phase).collect();
    assert_eq!(timed, [L, A, B1]);
    assert_eq!(steps.current, 3);
}
