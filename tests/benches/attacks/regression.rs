//! Least squares: which value each record has, from the counts of many populations.

use wayin_engine::index::{Bitmap, Snapshot};

use crate::conditions::VALUE_COUNT;

/// An estimate for each value.
pub type Estimates = [f64; VALUE_COUNT];

/// The weight of small estimates against small errors.
const RIDGE: f64 = 1.0;
/// The number of steps of the conjugate gradients.
const STEP_COUNT: usize = 40;
/// A square length below this counts as 0.
const NO_LENGTH: f64 = 1e-12;

/// The populations of a regression.
pub struct Regression {
    row_count: usize,
    /// The number of rows before each chunk.
    chunk_starts: Vec<usize>,
    /// For each population, its rows by chunk.
    populations: Vec<Vec<Bitmap>>,
}

impl Regression {
    pub fn new(snapshot: &Snapshot, populations: Vec<Vec<Bitmap>>) -> Self {
        let lengths = snapshot.chunks.iter().map(|chunk| chunk.len());
        let chunk_starts = lengths.scan(0, |next, length| {
            let start = *next;
            *next += length;
            Some(start)
        });
        Self {
            row_count: snapshot.len(),
            chunk_starts: chunk_starts.collect(),
            populations,
        }
    }

    /// The ridge estimates for each row, given the counts of each population. The conjugate gradients solve the normal
    /// equations for all values at once.
    pub fn solve(&self, counts: &[Estimates]) -> Vec<Estimates> {
        let mut estimates = vec![[0.0; VALUE_COUNT]; self.row_count];
        let mut residual = self.distribute(counts);
        let mut direction = residual.clone();
        let mut length = multiply(&residual, &residual);
        for _ in 0..STEP_COUNT {
            let mut image = self.distribute(&self.add_up(&direction));
            add_scaled(&mut image, [RIDGE; VALUE_COUNT], &direction);
            let step = divide(length, multiply(&direction, &image));
            add_scaled(&mut estimates, step, &direction);
            add_scaled(&mut residual, step.map(|step| -step), &image);
            let next_length = multiply(&residual, &residual);
            let ratio = divide(next_length, length);
            for (of_row, residual) in direction.iter_mut().zip(&residual) {
                let old = *of_row;
                *of_row = std::array::from_fn(|value| residual[value] + ratio[value] * old[value]);
            }
            length = next_length;
        }
        estimates
    }

    /// The sum of the rows of each population.
    fn add_up(&self, of_rows: &[Estimates]) -> Vec<Estimates> {
        let sum = |population: &Vec<Bitmap>| {
            let mut sum = [0.0; VALUE_COUNT];
            self.for_each_row(population, |row| add(&mut sum, of_rows[row]));
            sum
        };
        self.populations.iter().map(sum).collect()
    }

    /// For each row, the sum of its populations.
    fn distribute(&self, of_populations: &[Estimates]) -> Vec<Estimates> {
        let mut of_rows = vec![[0.0; VALUE_COUNT]; self.row_count];
        for (population, estimates) in self.populations.iter().zip(of_populations) {
            self.for_each_row(population, |row| add(&mut of_rows[row], *estimates));
        }
        of_rows
    }

    fn for_each_row(&self, population: &[Bitmap], mut visit: impl FnMut(usize)) {
        for (rows, start) in population.iter().zip(&self.chunk_starts) {
            rows.for_each(|row| visit(start + row));
        }
    }
}

fn add(sum: &mut Estimates, more: Estimates) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn add_scaled(sums: &mut [Estimates], factors: Estimates, more: &[Estimates]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        add(sum, std::array::from_fn(|value| factors[value] * more[value]));
    }
}

fn multiply(left: &[Estimates], right: &[Estimates]) -> Estimates {
    let mut sum = [0.0; VALUE_COUNT];
    for (left, right) in left.iter().zip(right) {
        add(&mut sum, std::array::from_fn(|value| left[value] * right[value]));
    }
    sum
}

/// One divided by the other, value by value; 0 if the other is.
fn divide(lengths: Estimates, by: Estimates) -> Estimates {
    std::array::from_fn(|value| {
        if by[value] > NO_LENGTH {
            lengths[value] / by[value]
        } else {
            0.0
        }
    })
}
