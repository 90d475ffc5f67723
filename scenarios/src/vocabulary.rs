//! Names of core types that lecture files and packed lectures share, and the bounds of a run.

use daxscope_core::check::Invariant;
use daxscope_core::config::Geometry;
use daxscope_core::rules::RuleId;

/// The sizes that a lecture may have.
pub(crate) const GEOMETRIES: [(&str, Geometry); 2] =
    [("teaching", Geometry::TEACHING), ("kernel", Geometry::KERNEL)];
/// Finds a rule by its id.
pub(crate) fn rule_named(id: &str) -> Option<RuleId> {
    RuleId::ALL.iter().copied().find(|rule| rule.rule().id == id)
}

/// Finds an invariant by its id.
pub(crate) fn invariant_named(id: &str) -> Option<Invariant> {
    Invariant::ALL.iter().copied().find(|invariant| invariant.id() == id)
}
