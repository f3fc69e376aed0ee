//! From values to places on an axis, and which values deserve a tick.

use super::Scale;

/// An axis laid over a stretch of pixels.
pub(super) struct Ruler {
    scale: Scale,
    low: f64,
    high: f64,
    from_px: f64,
    to_px: f64,
    /// The values to mark, ascending.
    pub(super) ticks: Vec<f64>,
}

impl Ruler {
    /// A ruler wide enough for all `values`, from `from_px` to `to_px` (which may be smaller).
    ///
    /// A linear ruler of values above zero begins at zero if that costs less than half of it:
    /// lengths can then be compared by eye. `whole` forces that: a bar without its foot lies.
    pub(super) fn new(scale: Scale, values: &[f64], from_px: f64, to_px: f64, foot: Foot) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (low, high, ticks) = match scale {
            Scale::Linear => linear(low, high, foot),
            Scale::Log => log(low, high, foot, values),
        };
        Self { scale, low, high, from_px, to_px, ticks }
    }

    /// Where `value` stands, in pixels.
    pub(super) fn px(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        self.from_px + share.clamp(0.0, 1.0) * (self.to_px - self.from_px)
    }
}

/// Where a ruler begins and ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Foot {
    /// At the outermost values themselves: an axis of inputs.
    Tight,
    /// At round values around them: an axis of measurements.
    Round,
    /// At zero (on a log axis, a decade below the smallest): the foot of a bar.
    Zero,
}

fn linear(low: f64, high: f64, foot: Foot) -> (f64, f64, Vec<f64>) {
    let near_zero = low > 0.0 && low < high * 0.5;
    let low =
        if foot == Foot::Zero || (foot == Foot::Round && near_zero) { low.min(0.0) } else { low };
    // All values equal: give them some room, or the axis has no length to divide by.
    let (low, high) = if low < high { (low, high) } else { (low - 1.0, high + 1.0) };
    let step = round_step((high - low) / 5.0);
    let (low, high) = match foot {
        Foot::Tight => (low, high),
        Foot::Round | Foot::Zero => ((low / step).floor() * step, (high / step).ceil() * step),
    };
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (low, high, (first..=last).map(|i| i as f64 * step).collect())
}

/// The smallest of 1, 2, 5 × 10^n that is at least `least`.
fn round_step(least: f64) -> f64 {
    let decade = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|m| m * decade).find(|s| *s >= least).unwrap_or(10.0 * decade)
}

/// Up to this many different inputs are all marked: the eye looks for 1, 2, 4, 8, not for 1 and 10.
const MARKED_INPUTS_MAX: usize = 9;

fn log(low: f64, high: f64, foot: Foot, values: &[f64]) -> (f64, f64, Vec<f64>) {
    let mut inputs = values.to_vec();
    inputs.sort_by(f64::total_cmp);
    inputs.dedup();
    if foot == Foot::Tight && low < high && inputs.len() <= MARKED_INPUTS_MAX {
        return (low, high, inputs);
    }
    let below = if foot == Foot::Zero { low / 2.0 } else { low };
    let (first, last) = (below.log10().floor() as i32, high.log10().ceil() as i32);
    let last = last.max(first + 1);
    let decades: Vec<f64> = (first..=last).map(|e| 10f64.powi(e)).collect();
    let (low, high) = match foot {
        Foot::Tight if low < high => (low, high),
        Foot::Tight | Foot::Round | Foot::Zero => (decades[0], decades[decades.len() - 1]),
    };
    let every = decades.len().div_ceil(8);
    let ticks = decades.into_iter().step_by(every).filter(|t| (low..=high).contains(t)).collect();
    (low, high, ticks)
}

/// A number as short as it can be read: `950`, `12k`, `1.5M`, `0.25`, and `64Ki` for what is a
/// power of two, as sizes of buffers and blocks are.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 4096.0 && size <= 2f64.powi(50) && size.log2().fract() == 0.0 {
        let thousands = (size.log2() / 10.0).floor();
        let unit = ["", "Ki", "Mi", "Gi", "Ti", "Pi"][thousands as usize];
        return format!("{}{unit}", value / 1024f64.powf(thousands));
    }
    let (scaled, unit) = match size {
        s if s >= 1e12 => return format!("{value:.1e}"),
        s if s >= 1e9 => (value / 1e9, "G"),
        s if s >= 1e6 => (value / 1e6, "M"),
        s if s >= 1e4 => (value / 1e3, "k"),
        s if s == 0.0 || s >= 1e-3 => (value, ""),
        _ => return format!("{value:.1e}"),
    };
    let decimals = match scaled.abs() {
        s if s >= 100.0 => 0,
        s if s >= 10.0 => 1,
        s if s >= 1.0 => 2,
        _ => 3,
    };
    let digits = format!("{scaled:.decimals$}");
    let digits = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => &digits,
    };
    format!("{digits}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be_read() {
        for (value, want) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (7.0, "7"),
            (950.0, "950"),
            (9120.0, "9120"),
            (12_000.0, "12k"),
            (1_500_000.0, "1.5M"),
            (-3.5, "-3.5"),
            (2e9, "2G"),
            (1024.0, "1024"),
            (65_536.0, "64Ki"),
            (4_194_304.0, "4Mi"),
        ] {
            assert_eq!(short(value), want, "for {value}");
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let ruler = Ruler::new(Scale::Linear, &[3.0, 97.0], 0.0, 100.0, Foot::Round);
        assert_eq!(ruler.ticks, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ruler.px(50.0), 50.0, "the middle of the values is the middle of the axis");
        let ruler = Ruler::new(Scale::Log, &[1.0, 2.0, 4.0, 32.0], 0.0, 100.0, Foot::Tight);
        assert_eq!(ruler.ticks, [1.0, 2.0, 4.0, 32.0], "few inputs are all marked");
        let ruler = Ruler::new(Scale::Log, &[30.0, 9000.0], 100.0, 0.0, Foot::Round);
        assert_eq!(ruler.ticks, [10.0, 100.0, 1000.0, 10_000.0]);
        assert!(ruler.px(100.0) > ruler.px(1000.0), "a falling ruler runs from high to low pixels");
    }

    #[test]
    fn equal_values_still_have_an_axis() {
        for scale in [Scale::Linear, Scale::Log] {
            for foot in [Foot::Tight, Foot::Round, Foot::Zero] {
                let ruler = Ruler::new(scale, &[5.0, 5.0], 0.0, 100.0, foot);
                assert!(ruler.px(5.0).is_finite(), "{scale:?}: 5 has no place on its own axis");
                assert!(!ruler.ticks.is_empty(), "{scale:?}: an axis without a tick says nothing");
            }
        }
    }
}
