//! The switches of a run, and which of them its lecture is about.

use super::{Choice, Session, open::semantics};
use daxscope_core::config::{SWITCHES, Semantics, SwitchInfo};

/// A switch as a run has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Switch {
    /// Its name, what it decides, its values.
    pub info: &'static SwitchInfo,
    /// Its value in this run.
    pub value: &'static str,
    /// Its value in the epoch's preset.
    pub preset: &'static str,
    /// Whether the lecture is about it: a rule that defines it is one of the lecture's, a variant
    /// sets it, or this run has it against the preset.
    pub matters: bool,
}

impl Session {
    /// Every switch, in the core's order.
    ///
    /// # Panics
    /// Never: the core has a value for each switch that it lists.
    #[must_use]
    pub fn switches(&self) -> Vec<Switch> {
        let preset = Semantics::preset(self.epoch());
        let value =
            |of: &Semantics, name| of.get(name).expect("a switch that is listed has a value");
        let switch = |info: &'static SwitchInfo| {
            let (value, preset) = (value(&self.semantics, info.name), value(&preset, info.name));
            let matters = value != preset || self.is_about(info);
            Switch { info, value, preset, matters }
        };
        SWITCHES.iter().map(switch).collect()
    }

    fn is_about(&self, switch: &SwitchInfo) -> bool {
        let mut sets = self.lecture.variants.iter().flat_map(|variant| &variant.sets);
        sets.any(|(name, _)| name == switch.name)
            || self.lecture.rules.iter().any(|rule| mentions(switch.rules, rule.rule().id))
    }

    /// This run's choice with one switch at another value. A value that the run would have anyway,
    /// from its epoch and variant, is not written.
    #[must_use]
    pub fn with_switch(&self, switch: &str, value: &str) -> Choice {
        let mut choice = self.choice.clone();
        choice.sets.retain(|(name, _)| name != switch);
        let anyway = semantics(&self.lecture, self.variant(), &choice).ok();
        if anyway.and_then(|semantics| semantics.get(switch)) != Some(value) {
            choice.sets.push((switch.to_owned(), value.to_owned()));
        }
        choice
    }
}

/// Whether a switch's list of rules, like `DAX-12, DAX-18 to DAX-20, JBD-2 step 11`, has the rule of
/// that id. The parts of one rule count as the rule: `DAX-12.6e` is in this list.
fn mentions(rules: &str, id: &str) -> bool {
    let Some((wanted, number)) = family(id) else { return false };
    let (mut first, mut range) = (None, false);
    for word in rules.split(' ') {
        if word == "to" {
            range = true;
            continue;
        }
        let last = family(word);
        if !range {
            first = last;
        }
        range = false;
        let (Some((of, low)), Some((_, high))) = (first, last) else { continue };
        if of == wanted && (low..=high).contains(&number) {
            return true;
        }
    }
    false
}

/// `DAX` and 12 of `DAX-12.6e`.
fn family(id: &str) -> Option<(&str, u32)> {
    let (family, rest) = id.split_once('-')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((family, rest[..end].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_rules_has_its_ranges_and_the_parts_of_its_rules() {
        let rules = "DAX-12, DAX-18 to DAX-20, JBD-2 step 11, CPU-6b, reference 3.7, A8";
        for id in ["DAX-12", "DAX-12.6e", "DAX-18.1", "DAX-19", "DAX-20", "JBD-2", "CPU-6"] {
            assert!(mentions(rules, id), "{id}");
        }
        for id in ["DAX-1", "DAX-13", "DAX-21", "JBD-11", "CPU-12", "TREE-19", "A8", "reference"] {
            assert!(!mentions(rules, id), "{id}");
        }
    }

    #[test]
    fn every_switch_but_those_of_appendix_alone_names_a_rule_by_number() {
        for switch in SWITCHES {
            assert!(switch.rules.split(", ").any(|part| family(part).is_some()), "{}", switch.name);
        }
    }
}
