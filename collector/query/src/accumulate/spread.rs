//! Standard deviations: mean and sum of squared distances from it, kept up to date without large intermediate values
//! (Welford; merged as in Chan, Golub, LeVeque: "Updating formulae and a pairwise algorithm for computing sample
//! variances", 1979).

/// Mean and spread of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spread {
    count: u64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    squares: f64,
}

impl Spread {
    pub(super) fn add(&mut self, value: f64, times: u64) {
        if value.is_finite() {
            self.merge(&Spread { count: times, mean: value, squares: 0.0 });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are beyond any store")]
    pub(super) fn merge(&mut self, other: &Spread) {
        let count = self.count.saturating_add(other.count);
        if other.count == 0 || count == 0 {
            return;
        }
        let (own, others, all) = (self.count as f64, other.count as f64, count as f64);
        let distance = other.mean - self.mean;
        self.mean += distance * (others / all);
        self.squares += other.squares + distance * distance * (own * others / all);
        self.count = count;
    }

    /// The standard deviation of a sample; none with fewer than two numbers.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are beyond any store")]
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }
}
