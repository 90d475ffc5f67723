//! The report as one HTML file: plots, and below them everything as tables. Nothing is loaded from
//! elsewhere, and no script runs.

use super::plot;
use super::report::{Report, Row};
use super::table::{about, nanoseconds, verdict};
use anyhow::Result;
use std::fmt::Write;

const STYLE: &str = include_str!("report.css");

/// The whole page.
///
/// # Errors
/// If a plot cannot be drawn.
pub fn page(report: &Report) -> Result<String> {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>daxscope bench, {}</title>\n<style>\n{STYLE}</style>\n<main>\n\
         <h1>daxscope bench</h1>\n",
        escaped(&report.date)
    );
    html.push_str("<dl>\n");
    for (name, value) in about(report) {
        writeln!(html, "<dt>{name}<dd>{}", escaped(&value))?;
    }
    html.push_str("</dl>\n");
    html.push_str(
        "<p>Every side of a case does the same work, in interleaved rounds. Points are medians, \
         bars go from the lower to the upper quartile; axes are logarithmic, less is better.\n",
    );
    for group in groups(&report.rows) {
        writeln!(html, "<h2>{}</h2>", escaped(&group[0].group))?;
        for plot in plot::plots(group)? {
            let title = escaped(&plot.title);
            writeln!(html, "<figure><figcaption>{title}</figcaption>\n{}</figure>", plot.svg)?;
        }
        table(&mut html, group)?;
    }
    missing(&mut html, report)?;
    html.push_str("</main>\n");
    Ok(html)
}

/// The rows of each group.
fn groups(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|one, other| one.group == other.group)
}

fn table(html: &mut String, rows: &[Row]) -> Result<()> {
    html.push_str(
        "<div class=\"wide\"><table>\n<tr><th>case<th>per<th>daxscope<th>quartiles<th>peer<th>time\
         <th>quartiles<th>ratio<th><th>write-backs<th>fences\n",
    );
    for case in rows.chunk_by(|one, other| one.case == other.case) {
        for (n, row) in case.iter().enumerate() {
            let first = n == 0;
            let class = if first { " class=\"first\"" } else { "" };
            let name = if first { escaped(&row.case) } else { String::new() };
            let (peer, at) = (row.peer_ns.map(nanoseconds), row.peer_spread.map(quartiles));
            let ratio = row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            let counts = row.counts.filter(|_| first);
            let count = |count: Option<f64>| count.map_or_else(String::new, |n| format!("{n:.4}"));
            let count = |n| count(n).trim_end_matches('0').trim_end_matches('.').to_owned();
            writeln!(
                html,
                "<tr{class}><td>{name}<td>{}<td class=\"n\">{}<td class=\"q\">{}<td>{}\
                 <td class=\"n\">{}<td class=\"q\">{}<td class=\"n\">{ratio}<td>{}\
                 <td class=\"n\">{}<td class=\"n\">{}",
                escaped(&row.unit),
                nanoseconds(row.ours_ns),
                quartiles(row.ours_spread),
                escaped(&row.peer),
                peer.unwrap_or_default(),
                at.unwrap_or_default(),
                verdict(row),
                count(counts.map(|counts| counts.write_backs)),
                count(counts.map(|counts| counts.fences)),
            )?;
        }
        if !case[0].note.is_empty() {
            let note = escaped(&case[0].note);
            writeln!(html, "<tr class=\"note\"><td colspan=\"11\">{note}")?;
        }
    }
    html.push_str("</table></div>\n");
    Ok(())
}

fn quartiles([low, high]: [f64; 2]) -> String {
    format!("{} – {}", nanoseconds(low), nanoseconds(high))
}

fn missing(html: &mut String, report: &Report) -> Result<()> {
    if report.missing.is_empty() {
        return Ok(());
    }
    html.push_str("<h2>not measured</h2>\n<ul>\n");
    for missing in &report.missing {
        let (peer, why) = (escaped(&missing.peer), escaped(&missing.why));
        writeln!(html, "<li>{peer}: {why}. <code>{}</code>", escaped(&missing.remedy))?;
    }
    html.push_str("</ul>\n");
    Ok(())
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
