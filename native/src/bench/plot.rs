//! Plots of a group, as SVG: a line for each sweep, and points for all other cases.
//!
//! A side has one colour, one shape and one kind of line in all plots, so that none is needed to tell
//! two sides apart. Colours are of middle brightness: the page is light or dark, as its reader
//! likes. What is black here takes the colour of the page's text.

use super::report::{Row, Sweep};
use super::table::nanoseconds;
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A picture and what it shows.
pub(super) struct Plot {
    /// What it shows.
    pub(super) title: String,
    /// The picture.
    pub(super) svg: String,
}

/// One measurement of one side.
#[derive(Clone, Copy)]
struct Point {
    ns: f64,
    spread: [f64; 2],
}

/// The name under which our side is drawn.
const OURS: &str = "daxscope";
/// Colours that also the colour-blind tell apart (most are Okabe and Ito's), ours first.
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(130, 105, 200),
    RGBColor(128, 128, 128),
];
const WIDTH: u32 = 960;
const FONT: (&str, i32) = ("sans-serif", 13);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Every plot of the rows of a group.
///
/// # Errors
/// If one cannot be drawn.
pub(super) fn plots(rows: &[Row]) -> Result<Vec<Plot>> {
    let sides = sides(rows);
    let mut plots = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for Sweep { name, .. } in rows.iter().filter_map(|row| row.sweep.as_ref()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    for name in names {
        let of_name = |row: &&Row| row.sweep.as_ref().is_some_and(|sweep| sweep.name == name);
        let line: Vec<_> = rows.iter().filter(of_name).collect();
        plots.push(lines(name, &line, &sides)?);
    }
    let rest: Vec<_> = rows.iter().filter(|row| row.sweep.is_none()).collect();
    if !rest.is_empty() {
        plots.push(points(&rest, &sides)?);
    }
    Ok(plots)
}

/// The names of all sides, ours first.
fn sides(rows: &[Row]) -> Vec<&str> {
    let mut sides = vec![OURS];
    for row in rows.iter().filter(|row| !row.peer.is_empty()) {
        if !sides.contains(&row.peer.as_str()) {
            sides.push(&row.peer);
        }
    }
    sides
}

/// What a side came to in a row.
fn point(row: &Row, side: &str) -> Option<Point> {
    if side == OURS {
        return Some(Point { ns: row.ours_ns, spread: row.ours_spread });
    }
    (row.peer == side).then_some(Point { ns: row.peer_ns?, spread: row.peer_spread? })
}

/// The times to show, with a margin.
fn range(rows: &[&Row]) -> std::ops::Range<f64> {
    let times = || {
        let ours = rows.iter().map(|row| row.ours_ns);
        ours.chain(rows.iter().filter_map(|row| row.peer_ns))
    };
    let least = times().fold(f64::MAX, f64::min).max(0.01);
    let most = times().fold(least, f64::max);
    least * 0.7..most * 1.5
}

fn style(side: usize) -> ShapeStyle {
    COLORS[side % COLORS.len()].stroke_width(2)
}

fn text(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    TextStyle::from(FONT.into_font()).pos(Pos::new(horizontal, vertical))
}

/// Draws the shape of a side around a place in pixels.
fn mark(area: &Area<'_>, side: usize, (x, y): (i32, i32)) -> Result<()> {
    let (style, filled) = (style(side), style(side).filled());
    let corner = |dx, dy| (x + dx, y + dy);
    let drawn = match side % 6 {
        0 => area.draw(&Circle::new((x, y), 5, filled)),
        1 => area.draw(&Rectangle::new([corner(-4, -4), corner(4, 4)], style)),
        2 => area.draw(&TriangleMarker::new((x, y), 6, filled)),
        3 => area.draw(&Cross::new((x, y), 5, style)),
        4 => area.draw(&Circle::new((x, y), 5, style)),
        _ => {
            let diamond = [corner(0, -6), corner(6, 0), corner(0, 6), corner(-6, 0)];
            area.draw(&Polygon::new(diamond, filled))
        }
    };
    drawn.map_err(broken)
}

/// Names every side that is drawn, beside its shape.
fn legend(area: &Area<'_>, sides: &[&str], drawn: &[usize]) -> Result<()> {
    let mut x = 12;
    for side in drawn {
        mark(area, *side, (x, 12))?;
        let label = Text::new(sides[*side], (x + 11, 12), text(HPos::Left, VPos::Center));
        area.draw(&label).map_err(broken)?;
        x += 34 + 7 * sides[*side].chars().count() as i32;
    }
    Ok(())
}

/// The sides that have a point in some row.
fn drawn(rows: &[&Row], sides: &[&str]) -> Vec<usize> {
    let has = |side: &usize| rows.iter().any(|row| point(row, sides[*side]).is_some());
    (0..sides.len()).filter(has).collect()
}

/// Cases below each other, times from left to right.
fn points(rows: &[&Row], sides: &[&str]) -> Result<Plot> {
    const LABELS: i32 = 372;
    const LINE: i32 = 26;
    let mut cases: Vec<(&str, &str, Vec<&Row>)> = Vec::new();
    for row in rows {
        match cases.last_mut() {
            Some((name, _, of_case)) if *name == row.case => of_case.push(row),
            _ => cases.push((&row.case, &row.unit, vec![row])),
        }
    }
    let height = 34 + LINE * cases.len() as i32 + 30;
    let times = range(rows);
    let x_of = |ns: f64| {
        let share = (ns / times.start).ln() / (times.end / times.start).ln();
        LABELS + (share.clamp(0.0, 1.0) * f64::from(WIDTH as i32 - LABELS - 20)) as i32
    };
    let svg = draw(height as u32, |area| {
        legend(area, sides, &drawn(rows, sides))?;
        let bottom = height - 28;
        for ns in ticks(&times) {
            let x = x_of(ns);
            let grid = BLACK.mix(0.15);
            area.draw(&PathElement::new([(x, 30), (x, bottom)], grid)).map_err(broken)?;
            let label = Text::new(axis(ns), (x, bottom + 6), text(HPos::Center, VPos::Top));
            area.draw(&label).map_err(broken)?;
        }
        for (n, (case, unit, rows)) in cases.iter().enumerate() {
            let y = 34 + LINE * n as i32 + LINE / 2;
            let name =
                if *unit == "key" { (*case).to_owned() } else { format!("{case}, per {unit}") };
            let label = Text::new(name, (LABELS - 12, y), text(HPos::Right, VPos::Center));
            area.draw(&label).map_err(broken)?;
            // Ours last, so that it lies on top.
            for (side, name) in sides.iter().enumerate().rev() {
                let Some(point) = rows.iter().find_map(|row| point(row, name)) else { continue };
                let [low, high] = point.spread.map(x_of);
                let bar = PathElement::new([(low, y), (high, y)], style(side));
                area.draw(&bar).map_err(broken)?;
                mark(area, side, (x_of(point.ns), y))?;
            }
        }
        Ok(())
    })?;
    Ok(Plot { title: "case by case".into(), svg })
}

/// The powers of ten in a range; where it has fewer than three, also twice and five times them.
fn ticks(times: &std::ops::Range<f64>) -> Vec<f64> {
    let (first, last) = (times.start.log10().floor() as i32, times.end.log10().ceil() as i32);
    let some: &[f64] = if last - first > 3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all = (first..=last).flat_map(|power| some.iter().map(move |n| n * 10f64.powi(power)));
    all.filter(|ns| times.contains(ns)).collect()
}

fn axis(ns: f64) -> String {
    if ns >= 1.0 {
        nanoseconds(ns).replace(".00", "").replace(".0", "")
    } else {
        format!("{ns} ns")
    }
}

/// Sizes from left to right, times upwards, a line for each side with its name at the end.
fn lines(name: &str, rows: &[&Row], sides: &[&str]) -> Result<Plot> {
    const HEIGHT: u32 = 380;
    let size = |row: &Row| row.sweep.as_ref().map_or(1.0, |sweep| sweep.at);
    let of = rows[0].sweep.as_ref().map_or("", |sweep| &sweep.of);
    let times = range(rows);
    let first = rows.iter().map(|row| size(row)).fold(f64::MAX, f64::min);
    let last = rows.iter().map(|row| size(row)).fold(first, f64::max);
    let svg = draw(HEIGHT, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .margin_right(250)
            .x_label_area_size(44)
            .y_label_area_size(70)
            .build_cartesian_2d((first..last).log_scale(), times.log_scale())
            .map_err(broken)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.15))
            .axis_style(BLACK.mix(0.6))
            .label_style(FONT)
            .x_desc(of)
            .y_desc(format!("per {}", rows[0].unit))
            .x_label_formatter(&|size| count(*size))
            .y_label_formatter(&|ns| axis(*ns))
            .draw()
            .map_err(broken)?;
        let coord = chart.as_coord_spec();
        let place = |x: f64, y: f64| pixel(coord, x, y);
        let mut labels = Vec::new();
        for side in drawn(rows, sides) {
            let found = rows.iter().filter_map(|row| Some((size(row), point(row, sides[side])?)));
            let mut found: Vec<(f64, Point)> = found.collect();
            found.dedup_by(|one, other| one.0 == other.0);
            for (size, point) in &found {
                let [low, high] = point.spread.map(|ns| place(*size, ns));
                let bar = PathElement::new([low, high], style(side));
                area.draw(&bar).map_err(broken)?;
            }
            let path: Vec<_> = found.iter().map(|(size, point)| place(*size, point.ns)).collect();
            line(area, side, &path)?;
            path.iter().try_for_each(|at| mark(area, side, *at))?;
            labels.extend(path.last().map(|at| (at.1, at.0, side)));
        }
        // From the top down, none over the one before.
        labels.sort_unstable();
        let mut free = 0;
        for (y, x, side) in labels {
            let y = y.max(free);
            free = y + 16;
            let label = Text::new(sides[side], (x + 14, y), text(HPos::Left, VPos::Center));
            area.draw(&label).map_err(broken)?;
        }
        Ok(())
    })?;
    Ok(Plot { title: name.to_owned(), svg })
}

type Coord = Cartesian2d<LogCoord<f64>, LogCoord<f64>>;

fn pixel(coord: &Coord, x: f64, y: f64) -> (i32, i32) {
    use plotters::coord::CoordTranslate;
    coord.translate(&(x, y))
}

/// Whole for us, of dashes of another length for each peer.
fn line(area: &Area<'_>, side: usize, path: &[(i32, i32)]) -> Result<()> {
    let style = style(side);
    if side == 0 {
        return area.draw(&PathElement::new(path.to_vec(), style)).map_err(broken);
    }
    let (dash, gap) = [(10, 5), (3, 4), (14, 4), (6, 8), (2, 8), (18, 8)][(side - 1) % 6];
    let dashes = DashedPathElement::new(path.to_vec(), dash, gap, style);
    area.draw(&dashes).map_err(broken)
}

fn count(size: f64) -> String {
    match size {
        size if size >= 1e6 => format!("{} M", size / 1e6),
        size if size >= 1e3 => format!("{} k", size / 1e3),
        size => format!("{size}"),
    }
}

/// Draws on a new picture.
fn draw(height: u32, paint: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        paint(&area)?;
        area.present().map_err(broken)?;
    }
    // The page scales it; a width in pixels would not.
    Ok(svg.replacen(&format!("width=\"{WIDTH}\" height=\"{height}\" "), "", 1))
}

fn broken(why: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("a plot cannot be drawn: {why}")
}
