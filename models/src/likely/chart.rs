//! Time to hang, drawn: simulation and reality on the same axes.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::combinators::LogCoord;
use plotters::prelude::*;

use super::{Median, Point};

/// What is on the horizontal axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Axis {
    /// Capacity of the channels.
    Capacity,
    /// Load: the share of its time that the hub would need.
    Load,
    /// Accounts.
    Accounts,
}

impl Axis {
    fn of(self, point: &Point) -> f64 {
        match self {
            // On a logarithmic axis there is no 0.
            Axis::Capacity => (point.world.capacity as f64).max(0.5),
            Axis::Load => point.world.load(),
            Axis::Accounts => f64::from(point.world.accounts),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Axis::Capacity => "capacity of register and unregister",
            Axis::Load => "load: the share of its time that the hub needs to keep up",
            Axis::Accounts => "accounts",
        }
    }

    /// What tells one line from another.
    fn line(self, point: &Point) -> String {
        match self {
            Axis::Capacity | Axis::Accounts => format!("load {:.2}", point.world.load()),
            Axis::Load => format!("capacity {}", point.world.capacity),
        }
    }
}

/// The points of one line, by what it is called.
fn lines(axis: Axis, points: &[Point]) -> Vec<(String, Vec<&Point>)> {
    let mut lines: Vec<(String, Vec<&Point>)> = Vec::new();
    for point in points {
        let name = axis.line(point);
        match lines.iter_mut().find(|(other, _)| *other == name) {
            Some((_, line)) => line.push(point),
            None => lines.push((name, vec![point])),
        }
    }
    for (_, line) in &mut lines {
        line.sort_by(|a, b| axis.of(a).total_cmp(&axis.of(b)));
    }
    lines
}

/// Colours that people with any sight can tell apart; Okabe and Ito's.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// A picture of the median time to hang along each axis along which the points differ, as SVG. Bars are the bounds of 95 %; an arrow
/// says that fewer than half of the runs hang at all. `real` are crosses, the simulated ones are circles on lines.
///
/// # Errors
/// If it cannot be drawn.
pub fn draw(simulated: &[Point], real: &[Point]) -> Result<String, String> {
    let all: Vec<Point> = simulated.iter().chain(real).cloned().collect();
    let differ = |axis: &Axis| {
        all.first().is_some_and(|first| all.iter().any(|point| axis.of(point) != axis.of(first)))
    };
    let mut axes: Vec<Axis> =
        [Axis::Capacity, Axis::Load, Axis::Accounts].into_iter().filter(differ).collect();
    if axes.is_empty() {
        axes.push(Axis::Capacity);
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (860, 420 * axes.len() as u32)).into_drawing_area();
        area.fill(&WHITE).map_err(text)?;
        for (part, axis) in area.split_evenly((axes.len(), 1)).iter().zip(axes) {
            panel(part, axis, simulated, real).map_err(text)?;
        }
        area.present().map_err(text)?;
    }
    Ok(svg)
}

fn text(why: impl std::fmt::Display) -> String {
    format!("the chart cannot be drawn: {why}")
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn panel(
    area: &Area<'_>,
    axis: Axis,
    simulated: &[Point],
    real: &[Point],
) -> Result<(), Box<dyn std::error::Error>> {
    let all = || simulated.iter().chain(real);
    let horizon = all().map(|point| point.world.horizon.as_secs_f64()).fold(1.0, f64::max);
    let times = all().flat_map(|point| {
        let Median { low, middle, high } = point.median();
        [low, middle, high].into_iter().flatten().map(|time| time.as_secs_f64())
    });
    let least = times.filter(|time| *time > 0.0).fold(horizon, f64::min);
    let up: Range<f64> = (least / 2.0).max(1e-3)..horizon * 2.0;
    let xs: Vec<f64> = all().map(|point| axis.of(point)).collect();
    let (low, high) = (xs.iter().copied().fold(f64::MAX, f64::min), xs.iter().copied().fold(0.0, f64::max));
    // To the right there is room for the legend.
    let along: Range<f64> = low / 1.15..high * (high / low.max(1e-9)).powf(0.45).max(3.0);
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(format!("Time until the hub hangs, by {}", axis.words()), ("sans-serif", 18))
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(along.log_scale(), up.clone().log_scale())?;
    chart
        .configure_mesh()
        .x_desc(axis.words())
        .y_desc("median time to hang, s (triangle: fewer than half hang)")
        .x_label_formatter(&|x| number(*x))
        .y_label_formatter(&|y| number(*y))
        .light_line_style(RGBColor(240, 240, 240))
        .label_style(("sans-serif", 13))
        .draw()?;
    let series = lines(axis, simulated);
    let of_real = lines(axis, real);
    for (n, (name, line)) in series.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        let middle = |point: &&&Point| Some((axis.of(point), point.median().middle?.as_secs_f64()));
        let known: Vec<(f64, f64)> = line.iter().filter_map(|point| middle(&point)).collect();
        chart
            .draw_series(LineSeries::new(known.clone(), colour.stroke_width(2)))?
            .label(format!("{name}, simulated"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(known.iter().map(|at| Circle::new(*at, 4, colour.filled())))?;
        for point in line {
            bar(&mut chart, axis.of(point), point, horizon, up.start, colour)?;
        }
    }
    for (n, (name, line)) in of_real.iter().enumerate() {
        // As the simulated line of the same name.
        let same = series.iter().position(|(other, _)| other == name).unwrap_or(series.len() + n);
        let colour = COLOURS[same % COLOURS.len()];
        let known =
            line.iter().filter_map(|point| Some((axis.of(point), point.median().middle?.as_secs_f64())));
        chart
            .draw_series(known.map(|at| Cross::new(at, 7, colour.stroke_width(3))))?
            .label(format!("{name}, the gateway"))
            .legend(move |(x, y)| Cross::new((x + 9, y), 5, colour.stroke_width(3)));
        for point in line {
            bar(&mut chart, axis.of(point) * 1.03, point, horizon, up.start, colour)?;
        }
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .label_font(("sans-serif", 13))
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    Ok(())
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, LogCoord<f64>>>;

/// The bounds of a median; up to the top and beyond where it is open.
fn bar(
    chart: &mut Chart<'_, '_>,
    x: f64,
    point: &Point,
    horizon: f64,
    floor: f64,
    colour: RGBColor,
) -> Result<(), Box<dyn std::error::Error>> {
    let Median { low, middle, high } = point.median();
    let seconds = |time: std::time::Duration| time.as_secs_f64().max(floor);
    // Of a few runs there are no bounds.
    if low.is_none_or(|low| !low.is_zero()) {
        let (from, to) = (low.map_or(horizon, seconds), high.map_or(horizon, seconds));
        chart.draw_series([PathElement::new([(x, from), (x, to)], colour.stroke_width(1))])?;
    }
    if middle.is_none() {
        chart.draw_series([TriangleMarker::new((x, horizon), 6, colour.filled())])?;
    }
    Ok(())
}

fn number(value: f64) -> String {
    if value >= 1.0 { format!("{}", (value * 10.0).round() / 10.0) } else { format!("{value:.3}") }
}
