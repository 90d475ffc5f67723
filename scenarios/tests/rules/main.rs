//! One test per rule that a step cites: the rule's branch is inverted or removed (a planted fault),
//! and the run must fail in the way named here, while the honest run passes. The table also feeds
//! `docs/model.md`, which `UPDATE_DOCS=1` rewrites.

mod model_doc;

use daxscope_core::config::{Epoch, SWITCHES, Semantics, SwitchKind};
use daxscope_core::rules::{Modelled, RuleId};
use daxscope_scenarios::{Catalogue, Choice, Lecture, Session, differences};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;
use std::sync::LazyLock;

/// A planted fault and how it is caught.
struct Planted {
    rule: RuleId,
    test: &'static str,
    lecture: &'static str,
    variant: &'static str,
    epoch: Epoch,
    /// A part of the message that says what is wrong.
    caught_by: &'static str,
}

macro_rules! planted {
    ($( $test:ident: $rule:ident, $lecture:literal $variant:literal $epoch:ident, $caught_by:literal; )+) => {
        /// Fixed in advance: what each fault must break.
        const PLANTED: &[Planted] = &[$(
            Planted {
                rule: RuleId::$rule,
                test: stringify!($test),
                lecture: $lecture,
                variant: $variant,
                epoch: Epoch::$epoch,
                caught_by: $caught_by,
            }
        ),+];

        $( #[test] fn $test() { must_be_caught(stringify!($test)); } )+
    };
}

planted! {
    a_lookup_that_consults_the_other_mapping: IDX_1, "S01" "base" V4_5_0, "verdicts";
    the_device_maps_an_index_to_another_block: IDX_2, "S01" "base" V4_5_0, "verdicts";
    a_read_that_takes_no_page: IDX_4, "S01" "base" V4_5_0, "reads";
    a_direct_read_that_writes_nothing_out: IDX_4_1, "S01" "o-direct" V4_5_0, "reads";
    invalidation_that_drops_nothing: IDX_6, "S01" "base" V4_5_0, "reads";
    an_insertion_that_is_not_counted: IDX_7, "S01" "base" V4_5_0, "INV-CNT";
    a_page_that_never_enters_the_tree: TREE_4, "S01" "base" V4_5_0, "panicked";
    a_deletion_that_leaves_the_page: TREE_5, "S01" "base" V4_5_0, "INV-CNT";
    bits_set_on_the_way_down: TREE_9, "S02" "inside" V4_5_0, "INV-TAG";
    dirty_not_copied_to_towrite: TREE_10, "S01" "base" V4_5_0, "reads";
    a_write_that_does_not_dirty_its_page: TREE_11_1, "S01" "base" V4_5_0, "reads";
    a_page_dirty_flag_kept_through_io: TREE_11_2, "S01" "base" V4_5_0, "tags";
    writeback_without_its_tag: TREE_11_3, "S01" "base" V4_5_0, "tags";
    writeback_that_never_ends: TREE_11_4, "S01" "base" V4_5_0, "tags";
    a_sync_that_walks_nothing: TREE_12, "S01" "base" V4_5_0, "reads";
    a_flusher_that_walks_nothing: TREE_12, "S07" "pages" V4_5_0, "tags";
    a_page_that_replaces_an_entry: TREE_14, "S09" "base" SeriesV2, "verdicts";
    an_entry_that_names_the_next_block: TREE_16, "S04" "one-cpu" V4_5_0, "verdicts";
    a_direct_read_that_copies_nothing: DAX_1, "S01" "base" V4_5Rc1, "reads";
    a_fault_that_checks_the_size_the_wrong_way: DAX_6, "S03" "base" V4_5_0, "verdicts";
    a_raw_fault_that_leaves_the_page: DAX_6_6, "S10" "base" SeriesV2, "verdicts";
    a_fault_that_leaves_no_entry: DAX_7, "S04" "one-cpu" V4_5_0, "INV-D45";
    a_pte_that_is_writable_at_once: DAX_8, "S03" "base" V4_5_0, "INV-D4";
    a_first_store_that_does_not_dirty_its_entry: DAX_9, "S03" "base" V4_5_0, "INV-D4";
    a_store_that_does_not_dirty_the_inode: DAX_10, "sync" "base" V4_5_0, "verdicts";
    a_flush_that_thinks_there_is_nothing: DAX_12_2, "S04" "one-cpu" V4_5_0, "verdicts";
    a_flusher_that_flushes_cpu_caches: DAX_12_2, "S07" "periodic" V4_5_0, "images";
    a_flush_that_tags_nothing: DAX_12_4, "S04" "one-cpu" V4_5_0, "verdicts";
    a_flush_that_finds_nothing: DAX_12_5, "S04" "one-cpu" V4_5_0, "verdicts";
    a_flush_that_skips_every_entry: DAX_12_6A, "S04" "one-cpu" V4_5_0, "endless";
    a_flush_dropped: DAX_12_6D, "S04" "one-cpu" V4_5_0, "verdicts";
    towrite_never_cleared: DAX_12_6E, "S04" "one-cpu" V4_5_0, "endless";
    a_fence_dropped_at_the_end_of_the_flush: DAX_12_7, "S04" "one-cpu" V4_5_0, "verdicts";
    a_purge_that_leaves_entries: DAX_15, "S23" "block-size" SeriesV2, "endless";
    an_invalidation_that_leaves_a_dirty_entry: DAX_15_1, "S03" "write-between" V4_5_0, "verdicts";
    a_fault_that_does_not_lock: DAX_16_1, "contention" "base" V4_7, "unreach";
    a_fault_that_does_not_wait: DAX_16_2, "contention" "base" V4_7, "unreach";
    an_entry_never_unlocked: DAX_16_3, "contention" "base" V4_7, "unreach";
    a_flush_that_does_not_lock: DAX_18_1, "S03" "base" V4_10, "panicked";
    a_flush_that_leaves_ptes_writable: DAX_18_3, "S03" "base" V4_10, "INV-D410";
    a_flush_dropped_since_4_10: DAX_18_4, "S04" "one-cpu" V4_10, "verdicts";
    dirty_never_cleared_since_4_10: DAX_18_5, "S03" "base" V4_10, "tags";
    mkwrite_without_the_entry_lock: DAX_19, "mkwrite-race" "base" V4_10, "INV-D410";
    a_flush_that_nobody_calls: DAX_21, "S04" "one-cpu" V4_5_0, "verdicts";
    a_raw_flush_that_finds_a_device: DAX_21_1, "raw-oops" "base" V4_5Rc1, "verdicts";
    a_sync_that_skips_writepages: DAX_21_3, "S07" "sync" V4_5_0, "verdicts";
    pages_of_an_s_dax_inode_that_are_written: DAX_21_5, "s-dax-pages" "base" V4_7, "verdicts";
    a_range_that_is_asked_for_pages_only: DAX_21_6, "S04" "one-cpu" V4_5_0, "verdicts";
    a_device_flush_without_its_fence: DAX_22, "S04" "one-cpu" V4_9, "verdicts";
    a_device_that_is_read_through_its_page_cache: MIX_2, "S01" "base" V4_5Rc1, "reads";
    a_getblk_that_gives_up: MIX_3_1, "S09" "base" SeriesV2, "verdicts";
    a_direct_write_that_leaves_the_page: MIX_3_8, "direct-write" "base" V4_7, "verdicts";
    a_partition_read_through_the_page_cache: MIX_4, "S11" "partition" SeriesV2, "reads";
    metadata_io_through_a_shared_page: MIX_5, "S11" "fresh" V4_5_0, "verdicts";
    a_mount_that_does_not_refuse: MIX_6, "S09" "refused" V4_5_0, "endless";
    a_mounted_device_that_is_opened_for_writing: MIX_8, "S23" "refused" V6_12, "event stored";
    a_store_that_nobody_sees: CPU_1, "S04" "one-cpu" V4_5_0, "INV-COH";
    an_eviction_that_writes_nothing: CPU_3, "evict" "base" V4_5_0, "images";
    a_power_cut_that_takes_nothing: CPU_6, "journal-boot" "lines-lost" V4_5_0, "reads";
    a_fence_that_completes_nothing: CPU_4, "S04" "one-cpu" V4_5_0, "verdicts";
    metadata_that_is_in_place_nowhere: CPU_7, "S12" "dax" V4_5_0, "verdicts";
    a_buffer_logged_as_the_next_transaction_leaves_it: JBD_5_1, "S13" "frozen" V4_5_0, "verdicts";
    a_buffer_changed_on_its_way_to_the_log: JBD_5_2, "S13" "shadow" V4_5_0, "event sleeps";
    a_synchronous_fault_that_commits_nothing: SYNC_2, "S25" "map-sync" V4_15, "verdicts";
    a_fault_that_commits_what_is_durable: SYNC_3, "S25" "block-there" V4_15, "ext4_sync_file";
    an_fsync_that_writes_no_data: FS_1_1, "S04" "one-cpu" V4_5_0, "verdicts";
    an_fsync_without_its_device_flush: FS_1_5, "S04" "one-cpu" V4_9, "verdicts";
    a_sync_that_visits_no_inode: FS_4, "S01" "base" V4_5_0, "reads";
    an_fsync_that_returns_too_early: FS_5, "S04" "one-cpu" V4_5_0, "verdicts";
    alias_cleaning_that_clears_nothing: ALIAS_1, "S16" "cleaning-only" V4_5_0, "verdicts";
    a_page_written_though_its_buffer_is_clean: ALIAS_2, "S16" "both" V4_5_0, "verdicts";
    an_allocation_that_cleans_no_alias: ALIAS_4, "S16" "cleaning-only" V4_5_0, "verdicts";
    a_dax_allocation_that_cleans_no_alias: ALIAS_6, "S17" "base" V4_9, "verdicts";
    a_mapped_store_that_dirties_one_buffer: ALIAS_5_4, "S24" "base" V4_5_0, "verdicts";
    a_dirty_buffer_that_jbd2_leaves_dirty: JBD_4_1, "S24" "warned" V4_5_0, "bio-submitted";
    a_bforget_that_clears_nothing: REUSE_1, "S16" "bforget-only" V4_5_0, "verdicts";
    a_truncate_that_leaves_ptes: REUSE_4, "journal" "stale-pte" V4_5_0, "verdicts";
    a_block_given_out_before_its_free_commits: REUSE_6, "S21" "ordered" V4_5_0, "unreached";
    a_full_log_that_waits_for_nothing: WAL_2, "journal" "log-full" V4_5_0, "panicked";
    a_commit_under_way_that_nobody_waits_for: JBD_1, "journal" "under-way" V4_5_0, "verdicts";
    a_commit_that_does_not_wait_for_handles: JBD_2_1, "journal" "open-handle" V4_5_0, "panicked";
    a_commit_that_loses_its_revoke_table: JBD_2_3, "S20" "reuse" V4_5_0, "verdicts";
    ordered_data_that_nobody_writes: JBD_2_5, "journal" "ordered" V4_5_0, "verdicts";
    revoke_blocks_that_nobody_writes: JBD_2_6, "S20" "reuse" V4_5_0, "verdicts";
    a_descriptor_that_names_one_block_only: JBD_2_7, "S20" "reuse" V4_5_0, "verdicts";
    copies_that_stay_shadow: JBD_2_10, "S20" "reuse" V4_5_0, "panicked";
    a_commit_block_without_its_flush: JBD_2_11, "journal" "commit-block" V4_9, "verdicts";
    an_early_commit_block_that_waits_after_all: JBD_2_15, "S12" "async-commit" V4_9, "verdicts";
    a_commit_that_never_moves_the_tail: JBD_2_12, "journal" "tail" V4_5_0, "tail-moved";
    a_commit_that_files_nothing_for_checkpoint: JBD_2_13, "S17" "base" V4_5_0, "verdicts";
    a_commit_without_callbacks: JBD_2_14, "S17" "base" V4_5_0, "verdicts";
    a_file_that_is_not_on_the_inode_list: JBD_3, "journal" "ordered" V4_5_0, "verdicts";
    a_journalled_buffer_that_the_flusher_may_write: JBD_4, "journal" "pinned" V4_5_0, "INV-WAL";
    a_checkpoint_that_writes_nothing: JBD_10_1, "journal" "checkpoint" V4_5_0, "verdicts";
    a_checkpoint_that_lets_a_newer_buffer_go: JBD_10_2, "journal" "newer" V4_5_0, "verdicts";
    a_copy_that_nobody_compares_with_its_checksum: JBD_8_1, "journal-boot" "torn-copy" V4_9, "verdicts";
    a_torn_commit_block_that_counts: JBD_8_2, "journal-boot" "torn-commit" V4_9, "event recovering";
    a_torn_descriptor_block_that_is_no_matter: JBD_8_3, "journal-boot" "torn-descriptor" V4_9, "event recovering";
    a_scan_that_goes_on_into_an_older_log: JBD_9_1, "journal-boot" "old-log" V4_9, "verdicts";
    a_revoke_pass_that_collects_nothing: JBD_9_2, "journal-boot" "revoked" V4_5_0, "verdicts";
    a_replay_of_revoked_blocks: JBD_9_3, "journal-boot" "revoked" V4_5_0, "verdicts";
    a_log_that_goes_on_with_a_number_in_use: JBD_9_4, "journal-boot" "cut-off" V4_9, "verdicts";
    a_tail_that_moves_without_a_flush: JBD_10_3, "journal" "checkpoint" V4_9, "device-flushed";
    a_tail_that_is_not_written: JBD_10_4, "journal" "checkpoint" V4_5_0, "log-written";
    a_free_without_a_revoke_record: JBD_11_1, "S20" "reuse" V4_5_0, "verdicts";
    a_revoke_record_that_is_not_cancelled: JBD_11_2, "journal" "cancel" V4_5_0, "verdicts";
    a_free_that_does_not_revoke: JBD_12, "S20" "reuse" V4_5_0, "verdicts";
    new_metadata_with_an_old_dirty_bit: JBD_13, "journal" "fresh-metadata" V4_5_0, "INV-WAL";
    a_forget_that_leaves_the_running_transaction_its_buffer: JBD_14_1, "journal" "forget-running" V4_5_0, "verdicts";
    a_freed_buffer_that_the_commit_dirties_again: JBD_14_2, "S19" "at-once" V5_1, "verdicts";
    a_freed_buffer_that_stays_on_its_checkpoint_list: JBD_14_3, "S17" "fix-2" V5_1, "verdicts";
    a_forget_that_calls_a_write_back: JBD_15, "S18" "journal-no-cleaning" V6_12, "verdicts";
    a_timer_that_commits_nothing: JBD_16, "S17" "base" V4_5_0, "verdicts";
    a_log_block_that_is_written_atomically: CPU_8, "journal" "commit-block" V4_9, "images";
    an_fsync_that_commits_nothing: FS_1_4, "S20" "reuse" V4_5_0, "verdicts";
    an_fsync_that_leaves_the_inode: FS_3, "journal" "no-journal" V4_5_0, "verdicts";
    a_new_block_that_is_not_zeroed: DAX_7_1, "journal" "zeroed" V4_5_0, "reads";
    a_collapse_that_flushes_nothing: DAX_21_4, "journal" "collapse" V4_5_0, "verdicts";
}

/// Runs that are no lectures: what only a test of rules needs.
const EXTRA: &[(&str, &str)] = &[
    ("sync", include_str!("planted/sync.toml")),
    ("evict", include_str!("planted/evict.toml")),
    ("contention", include_str!("planted/contention.toml")),
    ("mkwrite-race", include_str!("planted/mkwrite-race.toml")),
    ("raw-oops", include_str!("planted/raw-oops.toml")),
    ("s-dax-pages", include_str!("planted/s-dax-pages.toml")),
    ("direct-write", include_str!("planted/direct-write.toml")),
    ("journal", include_str!("planted/journal.toml")),
    ("journal-boot", include_str!("planted/journal-boot.toml")),
];

fn lecture(name: &str) -> Lecture {
    match EXTRA.iter().find(|(extra, _)| *extra == name) {
        Some((_, text)) => Lecture::parse(&format!("planted/{name}.toml"), text).unwrap(),
        None => Catalogue::embedded().find(name).unwrap().clone(),
    }
}

/// What differs from the expectation, in words; empty if nothing does.
fn run(case: &Planted, planted: Option<RuleId>) -> String {
    let lecture = lecture(case.lecture);
    let choice = Choice {
        variant: Some(case.variant.into()),
        epoch: Some(case.epoch),
        planted,
        ..Choice::default()
    };
    let expect = lecture.variant(case.variant).unwrap().expect(case.epoch).unwrap();
    let run = || match Session::open(&lecture, choice) {
        Ok(session) => differences(&session, expect).join("\n"),
        Err(why) => why.to_string(),
    };
    catch_unwind(run).unwrap_or_else(|_| "the machine panicked".into())
}

fn must_be_caught(test: &str) {
    let case = PLANTED.iter().find(|case| case.test == test).unwrap();
    assert_eq!(run(case, None), "", "the honest run must pass");
    let caught = run(case, Some(case.rule));
    assert!(caught.contains(case.caught_by), "{} was not caught: {caught:?}", case.rule);
}

/// Every rule that a step of any lecture, variant and epoch cites, with the epochs that cite it.
fn cited_in() -> &'static BTreeMap<RuleId, BTreeSet<Epoch>> {
    static CITED: LazyLock<BTreeMap<RuleId, BTreeSet<Epoch>>> = LazyLock::new(find_cited);
    &CITED
}

fn find_cited() -> BTreeMap<RuleId, BTreeSet<Epoch>> {
    let mut cited: BTreeMap<RuleId, BTreeSet<Epoch>> = BTreeMap::new();
    let mut lectures = Catalogue::embedded().lectures().to_vec();
    lectures.extend(EXTRA.iter().map(|(name, _)| lecture(name)));
    for lecture in lectures {
        for variant in &lecture.variants {
            for epoch in &lecture.epochs {
                let choice = Choice {
                    variant: Some(variant.name.clone()),
                    epoch: Some(*epoch),
                    ..Choice::default()
                };
                let session = Session::open(&lecture, choice).unwrap();
                // Under a what-if against its epoch a step cites rules of another.
                let epochs = is_history(&session, *epoch).then_some(*epoch);
                for step in 1..=session.last_step() {
                    let (_, report) = session.moment(step).step.as_ref().unwrap();
                    for rule in &report.rules {
                        cited.entry(*rule).or_default().extend(epochs);
                    }
                }
            }
        }
    }
    cited
}

/// Whether a run has the epoch's own value of every history switch.
fn is_history(session: &Session, epoch: Epoch) -> bool {
    let preset = Semantics::preset(epoch);
    let kind = |name| SWITCHES.iter().find(|switch| switch.name == name).unwrap().kind;
    session.semantics().differing_from(&preset).all(|(name, _)| kind(name) != SwitchKind::History)
}

fn cited() -> BTreeSet<RuleId> {
    cited_in().keys().copied().collect()
}

/// `4.5.0` as (4, 5); the states of the patch series belong to 4.5.
fn version(name: &str) -> (u32, u32) {
    let name = if name.starts_with('v') { "4.5" } else { name };
    let mut numbers = name.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn a_step_cites_no_rule_outside_the_versions_it_holds_for() {
    for (id, epochs) in cited_in() {
        let rule = id.rule();
        if rule.versions == "x86" {
            continue;
        }
        let (first, last) =
            rule.versions.split_once(" to ").unwrap_or((rule.versions, rule.versions));
        for epoch in epochs {
            let at = version(epoch.name());
            let holds = version(first) <= at && at <= version(last);
            assert!(holds, "{id} holds for {}, {} cites it", rule.versions, epoch.name());
        }
    }
}

#[test]
fn every_cited_rule_has_a_planted_fault_and_no_other_has() {
    let planted: BTreeSet<_> = PLANTED.iter().map(|case| case.rule).collect();
    let structural = |rule: &RuleId| rule.rule().modelled == Modelled::Structural;
    let missing: Vec<_> =
        cited().difference(&planted).filter(|rule| !structural(rule)).copied().collect();
    assert!(missing.is_empty(), "cited without a planted fault: {missing:?}");
    let idle: Vec<_> = planted.difference(&cited()).copied().collect();
    assert!(idle.is_empty(), "planted but never cited: {idle:?}");
}

#[test]
fn the_table_marks_as_cited_what_steps_cite() {
    let cited = cited();
    for rule in RuleId::ALL {
        let marked = rule.rule().modelled == Modelled::Cited;
        assert_eq!(marked, cited.contains(rule), "{rule}");
    }
}
