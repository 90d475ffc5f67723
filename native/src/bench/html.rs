//! The report as one HTML file: plots, and below them everything as tables. Nothing is loaded from
//! elsewhere, and no script runs.

use super::plot;
use super::report::{Report, Row};
use super::table::{about, nanoseconds, spread, verdict};
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
        "<p>Every side of a case does the same work, in interleaved rounds. Times are medians, in \
         brackets and as bars the quartiles; axes are logarithmic, less is better. Ratio: ours by \
         the peer's.\n",
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
        "<div class=\"wide\"><table>\n<tr><th>case<th>per<th class=\"n\">daxscope<th><th>peer<th class=\"n\">time<th>\
         <th class=\"n\">ratio<th><th class=\"n\">write-backs<th class=\"n\">fences\n",
    );
    for case in rows.chunk_by(|one, other| one.case == other.case) {
        for (n, row) in case.iter().enumerate() {
            let first = n == 0;
            let class = if first { " class=\"first\"" } else { "" };
            let name = if first { escaped(&row.case) } else { String::new() };
            let (peer, at) = (row.peer_ns.map(nanoseconds), row.peer_spread.map(spread));
            let ratio = row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            let unit = if first { escaped(&row.unit) } else { String::new() };
            let ours = if first { nanoseconds(row.ours_ns) } else { String::new() };
            let our_spread = if first { spread(row.ours_spread) } else { String::new() };
            let counts = row.counts.filter(|_| first);
            writeln!(
                html,
                "<tr{class}><td>{name}<td>{unit}<td class=\"n\">{ours}<td class=\"q\">{our_spread}<td>{}\
                 <td class=\"n\">{}<td class=\"q\">{}<td class=\"n\">{ratio}<td>{}\
                 <td class=\"n\">{}<td class=\"n\">{}",
                escaped(&row.peer),
                peer.unwrap_or_default(),
                at.unwrap_or_default(),
                verdict(row),
                counts.map_or_else(String::new, |counts| counts.write_backs.to_string()),
                counts.map_or_else(String::new, |counts| counts.fences.to_string()),
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
