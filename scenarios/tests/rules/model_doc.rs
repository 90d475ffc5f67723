//! `docs/model.md`, generated from the core's own tables.

use super::{PLANTED, Planted};
use daxscope_core::check::{Invariant, Verdict};
use daxscope_core::config::{Epoch, SWITCHES, Semantics};
use daxscope_core::rules::{Modelled, RULES, RuleId};
use std::fmt::Write;
use std::{env, fs};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/model.md");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The tests that show the rules which are built into a structure: file and function.
const SHOWN: &[(RuleId, &str, &str)] = &[
    (RuleId::IDX_8, "core/tests/machine.rs", "an_empty_s_dax_mapping_is_not_flushed"),
    (RuleId::TREE_1, "core/tests/machine.rs", "the_kernel_geometry_takes_the_same_steps"),
    (RuleId::TREE_2, "core/tests/radix_tree.rs", "a_single_item_at_index_0_sits_in_the_root"),
    (
        RuleId::TREE_3,
        "core/tests/radix_tree.rs",
        "an_item_beyond_index_0_gets_its_whole_path_of_nodes",
    ),
    (RuleId::TREE_6, "core/src/entry.rs", "pages_and_dax_entries_are_told_apart"),
    (RuleId::TREE_7, "core/tests/radix_tree.rs", "growth_carries_the_tags_that_occur"),
    (RuleId::TREE_8, "core/tests/radix_tree.rs", "every_history_of_five_operations_fan_out_8"),
    (RuleId::TREE_15, "core/tests/machine.rs", "page_lookups_find_nothing_where_a_dax_entry_is"),
    (
        RuleId::DAX_2,
        "core/tests/raw_device.rs",
        "a_direct_write_touches_no_entry_and_is_promised_by_fsync",
    ),
    (
        RuleId::DAX_3,
        "core/tests/direct_io.rs",
        "a_hole_of_a_dax_file_reads_as_zeros_without_touching_the_tree",
    ),
    (
        RuleId::DAX_5,
        "core/tests/direct_io.rs",
        "a_write_to_a_hole_of_a_dax_file_zeroes_its_block_before_it_copies",
    ),
    (RuleId::MIX_3, "core/tests/raw_device.rs", "the_outcome_matrix_of_pages_and_entries"),
    (
        RuleId::DAX_13,
        "core/tests/machine.rs",
        "the_two_cpu_window_loses_promised_data_and_a_locked_fence_closes_that_one",
    ),
    (RuleId::DAX_14, "core/tests/machine.rs", "a_power_cut_leaves_no_tag_and_no_tree"),
    (
        RuleId::DAX_20,
        "core/tests/machine.rs",
        "every_schedule_reports_all_it_changes_and_keeps_the_invariants",
    ),
    (
        RuleId::REUSE_2,
        "core/tests/judge_ext4.rs",
        "a_replay_over_a_reused_block_is_overwritten_unless_it_was_revoked",
    ),
    (
        RuleId::WAL_1,
        "core/tests/write_ahead.rs",
        "buffers_in_dram_leave_the_state_before_an_operation_or_after_it",
    ),
    (
        RuleId::WAL_3,
        "core/tests/write_ahead.rs",
        "no_fence_makes_an_operation_in_place_whole_for_a_redo_log",
    ),
    (
        RuleId::JBD_2_2,
        "core/tests/ext4.rs",
        "no_commit_finds_a_buffer_that_was_taken_and_not_dirtied",
    ),
    (
        RuleId::JBD_6,
        "core/src/jbd/format/tests.rs",
        "a_block_that_begins_with_the_magic_is_escaped_and_no_other_is",
    ),
    (RuleId::JBD_7, "core/src/jbd/format/tests.rs", "a_descriptor_block_has_the_bytes_of_jbd2"),
    (
        RuleId::CPU_2,
        "core/src/medium/tests.rs",
        "a_non_temporal_store_is_durable_after_the_fence_of_its_cpu_only",
    ),
    (RuleId::CPU_5, "core/src/medium/tests.rs", "a_word_never_tears"),
    (
        RuleId::SYNC_1,
        "core/tests/write_ahead.rs",
        "a_fenced_store_is_found_only_once_its_block_is_committed",
    ),
    (
        RuleId::SYNC_4,
        "core/tests/write_ahead.rs",
        "a_fenced_store_is_found_only_once_its_block_is_committed",
    ),
];

#[test]
fn every_structural_rule_names_a_test_that_exists() {
    for rule in RuleId::ALL {
        let structural = rule.rule().modelled == Modelled::Structural;
        let shown = SHOWN.iter().find(|(id, ..)| id == rule);
        assert_eq!(structural, shown.is_some(), "{rule}");
        let Some((_, file, test)) = shown else { continue };
        let text = fs::read_to_string(format!("{ROOT}/{file}")).unwrap();
        assert!(text.contains(&format!("fn {test}(")), "{rule}: {file} has no {test}");
    }
}

#[test]
fn docs_model_md_is_what_the_tables_say() {
    let generated = document();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PATH, &generated).unwrap();
    }
    let found = fs::read_to_string(PATH).unwrap_or_default();
    assert!(found == generated, "docs/model.md is out of date: run with UPDATE_DOCS=1");
}

fn document() -> String {
    let mut out = String::from(INTRODUCTION);
    out.push_str("\n## Rules that steps cite\n\n");
    out.push_str(
        "Each has a planted fault: its branch is inverted or removed, and the named test of\n",
    );
    out.push_str("[`scenarios/tests/rules/main.rs`](../scenarios/tests/rules/main.rs) shows what breaks.\n\n");
    out.push_str(
        "| rule | kernel function, file, versions, evidence | says | we simplify | test |\n",
    );
    out.push_str("| --- | --- | --- | --- | --- |\n");
    for case in PLANTED {
        cited_row(&mut out, case);
    }
    out.push_str("\n## Rules built into a structure\n\n");
    out.push_str(
        "| rule | source | says | we simplify | test |\n| --- | --- | --- | --- | --- |\n",
    );
    for (rule, file, test) in SHOWN {
        let shown = format!("[`{test}`](../{file})");
        row(&mut out, *rule, &shown);
    }
    out.push_str("\n## Not modelled yet\n\n");
    for rule in RULES.iter().filter(|rule| rule.modelled == Modelled::NotModelled) {
        writeln!(out, "- **{}** {}", rule.id, rule.line).unwrap();
    }
    switches(&mut out);
    out.push_str(VERDICTS);
    for verdict in Verdict::ALL {
        writeln!(out, "| `{verdict}` | {} |", verdict.meaning()).unwrap();
    }
    out.push_str("\n## Invariants\n\nChecked after every step of every run.\n\n");
    for invariant in Invariant::ALL {
        writeln!(out, "- **{}** {}", invariant.id(), invariant.meaning()).unwrap();
    }
    out
}

fn cited_row(out: &mut String, case: &Planted) {
    let shown =
        format!("`{}`: {} {}, {}", case.test, case.lecture, case.variant, case.epoch.name());
    row(out, case.rule, &shown);
}

fn row(out: &mut String, id: RuleId, shown: &str) {
    let rule = id.rule();
    let source = [rule.function, rule.file, rule.versions, rule.evidence];
    let source: Vec<_> = source.into_iter().filter(|part| !part.is_empty()).collect();
    let (line, omits) = (rule.line, rule.omits);
    writeln!(out, "| **{}** | {} | {line} | {omits} | {shown} |", rule.id, source.join("; "))
        .unwrap();
}

fn switches(out: &mut String) {
    out.push_str("\n## Switches\n\n");
    out.push_str(
        "`--set switch=value`. A preset (epoch) may hold any value; a value that is not modelled\n",
    );
    out.push_str("yet is refused when set by hand and when a step would read it. Modelled values are bold.\n\n");
    out.push_str("| switch | kind | decides | values | rules |\n| --- | --- | --- | --- | --- |\n");
    for switch in SWITCHES {
        let value = |value: &&str| match switch.modelled.contains(value) {
            true => format!("**{value}**"),
            false => (*value).to_owned(),
        };
        let values: Vec<_> = switch.values.iter().map(value).collect();
        let (name, kind, about, rules) =
            (switch.name, switch.kind.name(), switch.about, switch.rules);
        writeln!(out, "| `{name}` | {kind} | {about} | {} | {rules} |", values.join(", ")).unwrap();
    }
    out.push_str("\n### Epochs\n\nOnly what differs from the epoch before:\n\n");
    let mut before = Semantics::preset(Epoch::ALL[0]);
    for epoch in Epoch::ALL {
        let now = Semantics::preset(*epoch);
        let differing =
            now.differing_from(&before).map(|(name, value)| format!("`{name}={value}`"));
        let differing: Vec<_> = differing.collect();
        let what = if differing.is_empty() { "the first".to_owned() } else { differing.join(", ") };
        writeln!(out, "- **{}**: {what}", epoch.title()).unwrap();
        before = now;
    }
}

const INTRODUCTION: &str = "\
# What the model does

<!-- Generated from core/src/rules.rs, core/src/config/semantics.rs and core/src/check.rs by
     `UPDATE_DOCS=1 cargo test -p daxscope-scenarios --test rules`. Do not edit. -->

The machine models functions of Linux 4.5-rc1 to 6.12, rule by rule. Frames carry the names of 4.5
in every epoch. What the model does otherwise than a kernel stands in the column *we simplify*;
what holds for all of it:

- The teaching geometry has fan-out 8, as the kernel's own user-space tests of its tree, 16 blocks
  of 4 cache lines of 8 words, and a log ring of 16 blocks. A sector is 1/8 of a block.
- What a lock protects is one step; interleavings happen between steps. RCU lookups count as steps.
- Threads are sequentially consistent: store buffers are left out. Within a 64-byte line stores
  persist in program order, non-temporal ones included; a real CPU may reorder the latter.
- Under eADR an unfenced non-temporal store counts as safe; in a real CPU it may still sit in a
  write-combining buffer.
- Everything else errs towards more surviving images: any dirty line may be evicted at any moment,
  a clwb guarantees nothing before a fence of the same CPU.
- A page is locked while it is read in, written to or written out; who needs it sleeps.
- DRAM pages never fail and there is no memory pressure. Writes to persistent memory complete at
  submit, as those of its driver do; a disk completes writes of pages when the schedule says so, and
  those of the log and of single buffers at submit.
- The file system is a small one that behaves like ext4 with its journal, and like ext2 without:
  bitmap, inode table, direct, indirect and double indirect pointers, directories of one kind of
  entry. No extents, no delayed allocation, no permissions, no quota; one device, one file system.
- An operation locks its files from its first step to its last, and others wait; in a kernel the
  lock is the inode's, and readers may pass.
- A commit runs in the thread that asks for it; the journal's timer is an operation of a program. In
  a kernel kjournald2 does both. A handle reserves at most what its operation may dirty.
- The log has checksums (v3), and always 256-byte blocks in lectures. Recovery looks at the image
  that is left and at nothing else.
- sync(2) writes inodes in the caller's thread; the kernel asks its flusher threads.
- Without a journal a crash may leave any mix of old and new metadata; the judge calls that torn only
  once a sync had promised it.

Evidence marks: S read in the source of that version, M a mail, C a commit message, I inferred from
source, K background knowledge.
";

const VERDICTS: &str = "
## Verdicts

The judge alone names them. It compares what was stored and promised with what is read, written and
recovered, and reads no switch. A run's verdicts are the distinct words in the order in which they
showed; `ok` only when there are none. A power cut is judged over every surviving image.

| word | means |
| --- | --- |
";
