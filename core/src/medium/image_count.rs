//! The exact number of surviving images, however large.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Base of the decimal limbs: nine digits each.
const LIMB: u64 = 1_000_000_000;

/// How many images a power cut may leave: a product of one factor per line. Models CPU-6.
///
/// `Display` prints the exact decimal number, of any length.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ImageCount {
    factors: Vec<u64>,
}

impl ImageCount {
    /// The product of these factors; those of 1 are left out.
    #[must_use]
    pub fn new(factors: impl IntoIterator<Item = u64>) -> Self {
        Self { factors: factors.into_iter().filter(|&factor| factor != 1).collect() }
    }

    /// The factors above 1, in order of line: how many versions each line may be left at.
    #[must_use]
    pub fn factors(&self) -> &[u64] {
        &self.factors
    }

    /// The number, or `None` if it is 2^64 or more.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.factors.iter().try_fold(1_u64, |product, &factor| product.checked_mul(factor))
    }

    /// The product written out: `(2)(3)(2) = 12`, and `1` alone if no line has a choice.
    #[must_use]
    pub fn formula(&self) -> String {
        let mut text = String::new();
        for factor in &self.factors {
            write!(text, "({factor})").expect("a string takes any text");
        }
        let equals = if text.is_empty() { "" } else { " = " };
        write!(text, "{equals}{self}").expect("a string takes any text");
        text
    }

    /// The number's decimal limbs, least significant first.
    fn limbs(&self) -> Vec<u64> {
        let mut limbs = alloc::vec![1_u64];
        for &factor in &self.factors {
            let mut carry = 0_u128;
            for limb in &mut limbs {
                carry += u128::from(*limb) * u128::from(factor);
                *limb = (carry % u128::from(LIMB)) as u64;
                carry /= u128::from(LIMB);
            }
            while carry > 0 {
                limbs.push((carry % u128::from(LIMB)) as u64);
                carry /= u128::from(LIMB);
            }
        }
        limbs
    }
}

impl fmt::Display for ImageCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limbs = self.limbs();
        let (top, rest) = limbs.split_last().expect("there is always a limb");
        write!(f, "{top}")?;
        rest.iter().rev().try_for_each(|limb| write!(f, "{limb:09}"))
    }
}
