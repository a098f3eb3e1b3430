//! Plots a series of values with block characters, as wide as the terminal.

use std::time::Duration;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

/// Lines of the plot itself.
const HEIGHT: usize = 10;
/// Eighths of a character, from none to all.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The narrowest and the widest plot.
const WIDTHS: (usize, usize) = (10, 160);

/// What is plotted.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// When each value's width begins, in order, and the value.
    pub values: &'a [(Timestamp, f64)],
    /// Where the plot begins and ends.
    pub range: (Timestamp, Timestamp),
    /// The width of a value.
    pub interval: Duration,
}

/// Draws it in `width` columns, the scale at the left and times below. A column shows the highest value that falls into it;
/// a gap in the data stays blank.
pub fn plot(series: Series<'_>, width: usize, label: impl Fn(f64) -> String) -> String {
    let top = series.values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let labels = [label(top), label(top / 2.0), label(0.0)];
    let margin = labels.iter().map(|label| label.width()).max().unwrap_or(0);
    let columns = width.saturating_sub(margin + 2).clamp(WIDTHS.0, WIDTHS.1);
    let heights: Vec<Option<usize>> = columns_of(series, columns)
        .into_iter()
        .map(|value| {
            let eighths = (HEIGHT * 8) as f64;
            value.map(|value| if top > 0.0 { (value / top * eighths).round().max(0.0) as usize } else { 0 })
        })
        .collect();
    let mut text = String::new();
    for line in 0..HEIGHT {
        let label = match line {
            0 => labels[0].as_str(),
            _ if line == HEIGHT / 2 => labels[1].as_str(),
            _ => "",
        };
        let floor = (HEIGHT - 1 - line) * 8;
        let bars: String =
            heights.iter().map(|height| BLOCKS[height.unwrap_or(0).saturating_sub(floor).min(8)]).collect();
        let blank = " ".repeat(margin - label.width());
        text += format!("{blank}{label} ┤{bars}").trim_end();
        text.push('\n');
    }
    let axis: String = heights.iter().map(|height| if height.is_some() { '─' } else { '╌' }).collect();
    let blank = " ".repeat(margin - labels[2].width());
    text += &format!("{blank}{} └{axis}\n", labels[2]);
    text += &format!("{}{}\n", " ".repeat(margin + 2), times(series.range, columns));
    text
}

/// The highest value of each column; `None` where nothing was measured.
fn columns_of(series: Series<'_>, columns: usize) -> Vec<Option<f64>> {
    let mut found: Vec<Option<f64>> = vec![None; columns];
    let begin = series.range.0.as_millisecond() as f64;
    let length = (series.range.1.as_millisecond() as f64 - begin).max(1.0);
    let place = |millisecond: f64| (millisecond - begin) / length * columns as f64;
    for (at, value) in series.values {
        let first = place(at.as_millisecond() as f64);
        let last = place(at.as_millisecond() as f64 + series.interval.as_secs_f64() * 1000.0);
        if last <= 0.0 || first >= columns as f64 {
            continue;
        }
        let first = first.max(0.0).floor() as usize;
        let last = (last.ceil() as usize).clamp(first + 1, columns);
        for column in &mut found[first..last] {
            *column = Some(column.map_or(*value, |known: f64| known.max(*value)));
        }
    }
    found
}

/// Beginning and end below the plot, the middle if there is room for it.
fn times((since, until): (Timestamp, Timestamp), columns: usize) -> String {
    let days = until.duration_since(since).as_hours() >= 48;
    let shown = |at: Timestamp| at.strftime(if days { "%m-%d" } else { "%d. %H:%M" }).to_string();
    let middle = Timestamp::from_second(since.as_second().midpoint(until.as_second())).unwrap_or(since);
    let (first, middle, last) = (shown(since), shown(middle), format!("{} UTC", shown(until)));
    let mut line = first;
    let center = (columns / 2).saturating_sub(middle.len() / 2);
    if center > line.len() + 2 && center + middle.len() + 2 < columns.saturating_sub(last.len()) {
        line += &" ".repeat(center - line.len());
        line += &middle;
    }
    line += &" ".repeat(columns.saturating_sub(line.len() + last.len()).max(1));
    line + &last
}

#[cfg(test)]
mod tests {
    use super::super::table::scaled;
    use super::*;

    fn day(values: &[(i64, f64)]) -> (Vec<(Timestamp, f64)>, (Timestamp, Timestamp)) {
        let begin: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let at = |hour: i64| Timestamp::from_second(begin.as_second() + hour * 3600).unwrap();
        (values.iter().map(|(hour, value)| (at(*hour), *value)).collect(), (begin, at(24)))
    }

    fn drawn(values: &[(i64, f64)], width: usize) -> String {
        let (values, range) = day(values);
        let series = Series { values: &values, range, interval: Duration::from_secs(3600) };
        plot(series, width, |value| scaled(value, "B"))
    }

    #[test]
    fn a_day_is_drawn_with_its_scale_its_gaps_and_its_times() {
        let hours = (0..24).filter(|hour| *hour != 5).map(|hour| (hour, (hour * hour) as f64 * 1_000.0));
        let plot = drawn(&hours.collect::<Vec<_>>(), 60);
        insta::assert_snapshot!(plot);
        assert!(plot.lines().all(|line| line.width() <= 60), "{plot}");
    }

    #[test]
    fn nothing_and_zero_are_flat_and_a_narrow_terminal_is_no_panic() {
        for values in [&[][..], &[(0, 0.0)], &[(3, f64::MAX)], &[(-5, 1.0), (99, 1.0)]] {
            for width in [0, 1, 20, 80, 1_000] {
                let plot = drawn(values, width);
                assert_eq!(plot.lines().count(), HEIGHT + 2);
            }
        }
    }
}
