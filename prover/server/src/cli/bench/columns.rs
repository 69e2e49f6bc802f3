//! Columns that all benchmarks share: times, ratios, and how they are printed.

use quittance_engine::rivals::Cost;
use serde::{Deserialize, Serialize};

/// Seconds on the clock, and of all the process' threads together.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Times {
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
}

impl Times {
    /// Medians of costs.
    pub(super) fn median(costs: &[Cost]) -> Self {
        let Cost { wall, cpu } = Cost::median(costs);
        Self {
            wall_s: wall.as_secs_f64(),
            cpu_s: cpu.as_secs_f64(),
        }
    }

    /// How many times as long this took as `base`, wall and CPU; nothing where `base` was too short to be measured.
    pub(super) fn over(&self, base: &Self) -> [Option<f64>; 2] {
        let ratio = |of: f64, over: f64| (over > 0.0).then(|| of / over);
        [ratio(self.wall_s, base.wall_s), ratio(self.cpu_s, base.cpu_s)]
    }

    /// The two columns, 22 characters.
    pub(super) fn text(&self) -> String {
        format!("{:>11}{:>11}", seconds(self.wall_s), seconds(self.cpu_s))
    }
}

/// Two ratios, 16 characters.
pub(super) fn ratios([wall, cpu]: [Option<f64>; 2]) -> String {
    let text = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} x"));
    format!("{:>8}{:>8}", text(wall), text(cpu))
}

/// Seconds with three digits or more.
fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.3} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.3} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_say_how_much_longer_the_other_one_took() {
        let times = |wall_s, cpu_s| Times { wall_s, cpu_s };
        let [wall, cpu] = times(6.0, 20.0).over(&times(2.0, 4.0));
        assert_eq!((wall, cpu), (Some(3.0), Some(5.0)));
        let none = times(6.0, 20.0).over(&times(0.0, 4.0));
        assert_eq!(none, [None, Some(5.0)]);
        assert_eq!(ratios(none), "       -  5.00 x");
    }
}
