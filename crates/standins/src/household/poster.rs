//! Our own posters: a drawing in the manner of the 1920s for every title, made from its motif and colours.
//!
//! SVG text without scripts, fonts or references. The same title always gives the same drawing.

use super::{Film, HOUSEHOLD, Series};
use std::fmt::Write;

/// Upright like a poster, wide like a still, or square like a portrait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Poster,
    Still,
}

/// File names are letters and digits only, as the real service's are.
pub(crate) fn film_poster(film: &Film) -> String {
    format!("/{}{}.svg", stem(&film.title), film.date.get(..4).unwrap_or_default())
}

pub(crate) fn film_backdrop(film: &Film) -> String {
    format!("/{}{}wide.svg", stem(&film.title), film.date.get(..4).unwrap_or_default())
}

pub(crate) fn series_poster(series: &Series) -> String {
    format!("/{}{}tv.svg", stem(&series.name), series.first.get(..4).unwrap_or_default())
}

pub(crate) fn series_backdrop(series: &Series) -> String {
    format!("/{}{}tvwide.svg", stem(&series.name), series.first.get(..4).unwrap_or_default())
}

pub(crate) fn portrait(name: &str) -> String {
    format!("/person{}.svg", stem(name))
}

fn stem(title: &str) -> String {
    super::plain(title).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The drawing behind a file name, with or without the slash; None when there is none.
pub(crate) fn drawing(file: &str) -> Option<String> {
    let file = format!("/{}", file.trim_start_matches('/'));
    for film in &HOUSEHOLD.films {
        let year = film.date.get(..4).unwrap_or_default();
        if file == film_poster(film) {
            return Some(draw(Shape::Poster, &film.title, year, &film.director, &film.motif, &film.colours));
        }
        if file == film_backdrop(film) {
            return Some(draw(Shape::Still, &film.title, year, &film.director, &film.motif, &film.colours));
        }
    }
    for series in &HOUSEHOLD.series {
        let year = series.first.get(..4).unwrap_or_default();
        if file == series_poster(series) {
            return Some(draw(Shape::Poster, &series.name, year, &series.network, &series.motif, &series.colours));
        }
        if file == series_backdrop(series) {
            return Some(draw(Shape::Still, &series.name, year, &series.network, &series.motif, &series.colours));
        }
    }
    HOUSEHOLD.people.iter().find(|person| file == portrait(&person.name)).map(|person| face(&person.name))
}

fn draw(shape: Shape, title: &str, year: &str, byline: &str, motif: &str, colours: &[String; 3]) -> String {
    let [ground, accent, paper] = colours.each_ref().map(String::as_str);
    let (width, height) = if shape == Shape::Poster { (500, 750) } else { (1280, 720) };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">\
         <defs><linearGradient id=\"g\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"1\"><stop offset=\"0\" stop-color=\"{ground}\"/>\
         <stop offset=\"0.62\" stop-color=\"{ground}\"/><stop offset=\"1\" stop-color=\"{accent}\"/></linearGradient></defs>\
         <rect width=\"{width}\" height=\"{height}\" fill=\"url(#g)\"/>",
        label = escaped(&format!("{title} ({year})")),
    );
    // Motifs are drawn around the origin, about 200 to each side.
    let (x, y, scale) = if shape == Shape::Poster { (250, 270, 1.0) } else { (640, 360, 1.45) };
    let _ = write!(
        svg,
        "<g transform=\"translate({x} {y}) scale({scale})\" stroke-linecap=\"round\">{}</g>",
        figure(motif, accent, paper, ground)
    );
    if shape == Shape::Poster {
        frame(&mut svg, accent);
        letters(&mut svg, title, year, byline, accent, paper, ground);
    }
    svg.push_str("</svg>");
    svg
}

/// Double rule with stepped corners.
fn frame(svg: &mut String, accent: &str) {
    let _ = write!(
        svg,
        "<g fill=\"none\" stroke=\"{accent}\"><path stroke-width=\"3\" d=\"M44 18H456V32H468V44H482V706H468V718H456V732H44V718H32V706H18V44H32V32H44Z\"/>\
         <rect x=\"30\" y=\"30\" width=\"440\" height=\"690\" stroke-width=\"1\" opacity=\"0.7\"/></g>"
    );
}

fn letters(svg: &mut String, title: &str, year: &str, byline: &str, accent: &str, paper: &str, ground: &str) {
    let lines = lines(&title.to_uppercase());
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(1);
    let size = (560 / longest.max(1)).clamp(26, 58);
    let step = size + size / 5;
    let top = 640 - step * lines.len();
    let _ = write!(
        svg,
        "<rect x=\"31\" y=\"{}\" width=\"438\" height=\"{}\" fill=\"{ground}\" opacity=\"0.78\"/>",
        top - 34,
        720 - (top - 34)
    );
    let _ = write!(
        svg,
        "<path d=\"M90 {y}H410M150 {z}H350\" stroke=\"{accent}\" stroke-width=\"2\"/>",
        y = top - 18,
        z = top - 10
    );
    svg.push_str("<g text-anchor=\"middle\" font-family=\"Futura, 'Century Gothic', 'Avenir Next', 'Trebuchet MS', sans-serif\">");
    for (index, line) in lines.iter().enumerate() {
        let _ = write!(
            svg,
            "<text x=\"250\" y=\"{}\" font-size=\"{size}\" font-weight=\"700\" letter-spacing=\"3\" fill=\"{paper}\">{}</text>",
            top + step * index + size,
            escaped(line),
        );
    }
    let _ = write!(
        svg,
        "<text x=\"250\" y=\"672\" font-size=\"26\" letter-spacing=\"10\" fill=\"{accent}\" stroke=\"{ground}\" stroke-width=\"4\" paint-order=\"stroke\">{year}</text>\
         <text x=\"250\" y=\"702\" font-size=\"16\" letter-spacing=\"3\" fill=\"{paper}\">{}</text></g>",
        escaped(&byline.to_uppercase()),
    );
}

/// At most four lines of about fourteen letters.
fn lines(title: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        let full = lines.len() == 4;
        match lines.last_mut().filter(|line| full || line.chars().count() + word.chars().count() < 14) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn figure(motif: &str, accent: &str, paper: &str, ground: &str) -> String {
    let mut svg = String::new();
    match motif {
        "skyline" => {
            rays(&mut svg, 28, 20.0, 260.0, accent, 0.35);
            for (x, width, height) in [
                (-190, 50, 150),
                (-135, 60, 230),
                (-70, 46, 300),
                (-20, 60, 380),
                (46, 50, 280),
                (102, 44, 200),
                (150, 50, 250),
            ] {
                let _ = write!(
                    svg,
                    "<rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\" fill=\"{accent}\"/>\
                     <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\" fill=\"{ground}\" opacity=\"0.55\"/>",
                    190 - height,
                    x + width / 2,
                    190 - height,
                    width / 2,
                );
                for row in 0..height / 30 {
                    let _ = write!(
                        svg,
                        "<rect x=\"{}\" y=\"{}\" width=\"6\" height=\"12\" fill=\"{paper}\"/>",
                        x + 9,
                        200 - height + row * 30
                    );
                }
            }
        }
        "moon" => {
            let _ = write!(
                svg,
                "<circle r=\"150\" fill=\"{paper}\"/><circle cx=\"42\" cy=\"-26\" r=\"128\" fill=\"{accent}\" opacity=\"0.55\"/>\
                 <g fill=\"{ground}\" opacity=\"0.25\"><circle cx=\"-70\" cy=\"40\" r=\"26\"/><circle cx=\"-30\" cy=\"-70\" r=\"18\"/><circle cx=\"60\" cy=\"60\" r=\"34\"/></g>"
            );
            stars(&mut svg, paper);
        }
        "train" => {
            rays(&mut svg, 18, 60.0, 260.0, accent, 0.3);
            let _ = write!(
                svg,
                "<g fill=\"{paper}\"><rect x=\"-150\" y=\"-30\" width=\"210\" height=\"90\" rx=\"42\"/><rect x=\"40\" y=\"-80\" width=\"100\" height=\"140\"/><path d=\"M-130 -110h50l-12 80h-26z\"/></g>\
                 <rect x=\"62\" y=\"-58\" width=\"54\" height=\"44\" fill=\"{ground}\"/>\
                 <g fill=\"{ground}\" stroke=\"{paper}\" stroke-width=\"9\"><circle cx=\"-105\" cy=\"80\" r=\"34\"/><circle cx=\"-20\" cy=\"80\" r=\"34\"/><circle cx=\"85\" cy=\"72\" r=\"44\"/></g>\
                 <path d=\"M-220 124H220\" stroke=\"{accent}\" stroke-width=\"8\"/><g fill=\"{accent}\" opacity=\"0.8\"><circle cx=\"-90\" cy=\"-150\" r=\"26\"/><circle cx=\"-40\" cy=\"-180\" r=\"34\"/><circle cx=\"30\" cy=\"-196\" r=\"42\"/></g>"
            );
        }
        "beam" => {
            let _ = write!(
                svg,
                "<path d=\"M-190 170L210 -210L230 40Z\" fill=\"{paper}\" opacity=\"0.85\"/><path d=\"M-190 170L170 -230L240 90Z\" fill=\"{accent}\" opacity=\"0.4\"/>\
                 <circle cx=\"-180\" cy=\"160\" r=\"44\" fill=\"{accent}\"/><circle cx=\"-180\" cy=\"160\" r=\"16\" fill=\"{ground}\"/>\
                 <circle cx=\"120\" cy=\"-60\" r=\"52\" fill=\"{ground}\"/><path d=\"M40 110c0-70 36-104 80-104s80 34 80 104z\" fill=\"{ground}\"/><path d=\"M48 -92h144l-20-22h-20l-10-40h-60l-10 40h-14z\" fill=\"{ground}\"/>"
            );
        }
        "star" => {
            rays(&mut svg, 40, 90.0, 270.0, accent, 0.45);
            let mut points = String::new();
            for index in 0..10 {
                let (radius, angle) =
                    (if index % 2 == 0 { 150.0 } else { 62.0 }, f64::from(index) * std::f64::consts::PI / 5.0);
                let _ = write!(points, "{:.1},{:.1} ", radius * angle.sin(), -radius * angle.cos());
            }
            let _ = write!(svg, "<polygon points=\"{points}\" fill=\"{paper}\"/><circle r=\"40\" fill=\"{accent}\"/>");
        }
        "house" => {
            let _ = write!(
                svg,
                "<circle cx=\"90\" cy=\"-110\" r=\"78\" fill=\"{accent}\" opacity=\"0.75\"/><path d=\"M-170 190V-10L-110 -80V-150H-80V-112L0 -190L150 -20V190Z\" fill=\"{paper}\" opacity=\"0.16\"/>\
                 <path d=\"M-150 190V0L0 -160L150 0V190Z\" fill=\"{ground}\" stroke=\"{accent}\" stroke-width=\"4\"/>\
                 <g fill=\"{paper}\"><rect x=\"-96\" y=\"20\" width=\"44\" height=\"58\"/><rect x=\"52\" y=\"20\" width=\"44\" height=\"58\"/><circle cy=\"-60\" r=\"22\"/><path d=\"M-26 190V120a26 26 0 0 1 52 0V190Z\"/></g>\
                 <path d=\"M-74 20V78M-96 49H-52M74 20V78M52 49H96\" stroke=\"{ground}\" stroke-width=\"5\"/>"
            );
        }
        "spiral" => {
            let mut path = "M0 0".to_owned();
            for step in 1..220 {
                let (radius, angle) = (f64::from(step) * 0.95, f64::from(step) * 0.19);
                let _ = write!(path, "L{:.1} {:.1}", radius * angle.cos(), radius * angle.sin());
            }
            let _ = write!(
                svg,
                "<circle r=\"212\" fill=\"{accent}\" opacity=\"0.3\"/><path d=\"{path}\" fill=\"none\" stroke=\"{paper}\" stroke-width=\"11\"/><circle r=\"20\" fill=\"{accent}\"/>"
            );
        }
        "paper" => {
            for (x, y, turn) in [(-70, -20, -14), (60, 10, 11), (-6, -30, -2)] {
                let _ = write!(
                    svg,
                    "<g transform=\"translate({x} {y}) rotate({turn})\"><rect x=\"-105\" y=\"-140\" width=\"210\" height=\"290\" fill=\"{paper}\" stroke=\"{ground}\" stroke-width=\"3\"/>\
                     <rect x=\"-85\" y=\"-118\" width=\"170\" height=\"34\" fill=\"{ground}\"/><rect x=\"-85\" y=\"-66\" width=\"78\" height=\"90\" fill=\"{accent}\"/>\
                     <path d=\"M12 -60H85M12 -40H85M12 -20H85M12 0H85M12 20H85M-85 48H85M-85 70H85M-85 92H85M-85 114H40\" stroke=\"{ground}\" stroke-width=\"7\" opacity=\"0.55\"/></g>"
                );
            }
        }
        "clock" => {
            rays(&mut svg, 24, 170.0, 260.0, accent, 0.5);
            let _ = write!(svg, "<circle r=\"160\" fill=\"{paper}\" stroke=\"{accent}\" stroke-width=\"14\"/>");
            for hour in 0..12 {
                let _ = write!(
                    svg,
                    "<rect x=\"-5\" y=\"-142\" width=\"10\" height=\"30\" fill=\"{ground}\" transform=\"rotate({})\"/>",
                    hour * 30
                );
            }
            let _ = write!(
                svg,
                "<path d=\"M0 0L-64 -70M0 0L30 -118\" stroke=\"{ground}\" stroke-width=\"13\"/><circle r=\"15\" fill=\"{accent}\"/>"
            );
        }
        "curtain" => {
            for fold in 0..7 {
                let (x, colour) = (fold * 30, if fold % 2 == 0 { accent } else { ground });
                for side in [-1, 1] {
                    let edge = side * (220 - x);
                    let _ = write!(
                        svg,
                        "<path d=\"M{edge} -230Q{} 0 {edge} 240L{} 240Q{} 0 {} -230Z\" fill=\"{colour}\" stroke=\"{ground}\" opacity=\"0.9\"/>",
                        edge + side * 30,
                        edge + side * 34,
                        edge + side * 64,
                        edge + side * 34,
                    );
                }
            }
            let _ = write!(
                svg,
                "<path d=\"M-62 -60Q0 -130 62 -60Q74 20 0 92Q-74 20 -62 -60Z\" fill=\"{paper}\"/><g fill=\"{ground}\"><ellipse cx=\"-26\" cy=\"-28\" rx=\"17\" ry=\"10\"/><ellipse cx=\"26\" cy=\"-28\" rx=\"17\" ry=\"10\"/><path d=\"M-24 44q24 -16 48 0q-24 10 -48 0z\"/></g>"
            );
        }
        "saucer" => {
            stars(&mut svg, paper);
            let _ = write!(
                svg,
                "<path d=\"M-60 10L-150 230H150L60 10Z\" fill=\"{accent}\" opacity=\"0.45\"/><ellipse rx=\"190\" ry=\"46\" fill=\"{paper}\"/>\
                 <path d=\"M-84 -22a84 74 0 0 1 168 0z\" fill=\"{accent}\"/><ellipse cy=\"10\" rx=\"140\" ry=\"22\" fill=\"{ground}\" opacity=\"0.35\"/>\
                 <g fill=\"{ground}\"><circle cx=\"-110\" cy=\"4\" r=\"11\"/><circle cx=\"-40\" cy=\"14\" r=\"11\"/><circle cx=\"40\" cy=\"14\" r=\"11\"/><circle cx=\"110\" cy=\"4\" r=\"11\"/></g>"
            );
        }
        "road" => {
            let _ = write!(
                svg,
                "<circle cy=\"-60\" r=\"120\" fill=\"{accent}\"/><rect x=\"-230\" y=\"-10\" width=\"460\" height=\"260\" fill=\"{ground}\"/>\
                 <path d=\"M-14 -10H14L190 240H-190Z\" fill=\"{paper}\" opacity=\"0.25\"/><path d=\"M0 0V24M0 48V84M0 112V160M0 190V240\" stroke=\"{paper}\" stroke-width=\"9\"/>\
                 <path d=\"M-230 -10L-120 -70L-60 -30L20 -96L110 -28L230 -80V-10Z\" fill=\"{ground}\"/>"
            );
        }
        "sun" => {
            rays(&mut svg, 36, 100.0, 280.0, paper, 0.5);
            let _ = write!(
                svg,
                "<circle r=\"104\" fill=\"{accent}\"/><circle r=\"74\" fill=\"{paper}\" opacity=\"0.55\"/>"
            );
            for line in 0..5 {
                let _ = write!(
                    svg,
                    "<path d=\"M-220 {y}q55 -22 110 0t110 0t110 0t110 0\" fill=\"none\" stroke=\"{paper}\" stroke-width=\"5\" opacity=\"0.7\"/>",
                    y = 130 + line * 24
                );
            }
        }
        "ship" => {
            rays(&mut svg, 22, 60.0, 260.0, accent, 0.4);
            let _ = write!(
                svg,
                "<path d=\"M-170 60H170L130 140H-120Z\" fill=\"{paper}\"/><rect x=\"-90\" y=\"-6\" width=\"170\" height=\"66\" fill=\"{accent}\"/><rect x=\"-60\" y=\"-54\" width=\"120\" height=\"48\" fill=\"{paper}\"/>\
                 <rect x=\"-42\" y=\"-150\" width=\"30\" height=\"96\" fill=\"{ground}\" stroke=\"{paper}\" stroke-width=\"4\"/><rect x=\"16\" y=\"-150\" width=\"30\" height=\"96\" fill=\"{ground}\" stroke=\"{paper}\" stroke-width=\"4\"/>\
                 <g fill=\"{ground}\"><circle cx=\"-60\" cy=\"28\" r=\"11\"/><circle cx=\"-4\" cy=\"28\" r=\"11\"/><circle cx=\"52\" cy=\"28\" r=\"11\"/></g>"
            );
            for line in 0..3 {
                let _ = write!(
                    svg,
                    "<path d=\"M-230 {y}q38 -24 76 0t76 0t76 0t76 0t76 0t76 0\" fill=\"none\" stroke=\"{accent}\" stroke-width=\"8\"/>",
                    y = 150 + line * 30
                );
            }
        }
        "mountain" => {
            let _ = write!(
                svg,
                "<circle cx=\"100\" cy=\"-120\" r=\"62\" fill=\"{accent}\"/><path d=\"M-230 180L-70 -120L40 60L100 -30L230 180Z\" fill=\"{paper}\" opacity=\"0.9\"/>\
                 <path d=\"M-70 -120L-20 -38L-50 -52L-74 -20L-96 -60L-122 -22Z\" fill=\"{accent}\"/><path d=\"M-230 180L-70 -120L-60 180Z\" fill=\"{ground}\" opacity=\"0.35\"/><path d=\"M100 -30L230 180H90Z\" fill=\"{ground}\" opacity=\"0.35\"/>"
            );
        }
        "flower" => {
            for petal in 0..10 {
                let _ = write!(
                    svg,
                    "<ellipse cy=\"-104\" rx=\"40\" ry=\"92\" fill=\"{accent}\" stroke=\"{ground}\" stroke-width=\"4\" transform=\"rotate({})\"/>",
                    petal * 36
                );
            }
            let _ = write!(
                svg,
                "<circle r=\"66\" fill=\"{paper}\"/><path d=\"M-50 -8Q0 -44 50 -8Q0 58 -50 -8Z\" fill=\"{ground}\"/><path d=\"M-42 -10l14 18 14 -22 14 24 14 -24 14 22 12 -16\" fill=\"none\" stroke=\"{paper}\" stroke-width=\"6\"/>"
            );
        }
        "tower" => {
            rays(&mut svg, 20, 30.0, 270.0, accent, 0.35);
            for (step, width) in [150, 120, 92, 66, 42, 20].into_iter().enumerate() {
                let y = 190 - (step as i32 + 1) * 62;
                let _ = write!(
                    svg,
                    "<rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"62\" fill=\"{}\"/>",
                    -width,
                    width * 2,
                    if step % 2 == 0 { paper } else { accent }
                );
                let _ = write!(svg, "<path d=\"M-12 {b}v-30a12 12 0 0 1 24 0v30z\" fill=\"{ground}\"/>", b = y + 62);
            }
        }
        // An eye, which also stands for whatever has no motif of its own.
        _ => {
            rays(&mut svg, 30, 120.0, 270.0, accent, 0.4);
            let _ = write!(
                svg,
                "<path d=\"M-210 0Q0 -190 210 0Q0 190 -210 0Z\" fill=\"{paper}\"/><circle r=\"92\" fill=\"{accent}\"/><circle r=\"50\" fill=\"{ground}\"/><circle cx=\"22\" cy=\"-22\" r=\"16\" fill=\"{paper}\"/>"
            );
        }
    }
    svg
}

fn rays(svg: &mut String, count: u32, inner: f64, outer: f64, colour: &str, opacity: f64) {
    let _ = write!(svg, "<g fill=\"{colour}\" opacity=\"{opacity}\">");
    let step = std::f64::consts::TAU / f64::from(count);
    for index in 0..count {
        let (a, b) = (f64::from(index) * step, f64::from(index) * step + step / 2.0);
        let _ = write!(
            svg,
            "<path d=\"M{:.0} {:.0}L{:.0} {:.0}L{:.0} {:.0}Z\"/>",
            inner * ((a + b) / 2.0).cos(),
            inner * ((a + b) / 2.0).sin(),
            outer * a.cos(),
            outer * a.sin(),
            outer * b.cos(),
            outer * b.sin(),
        );
    }
    svg.push_str("</g>");
}

fn stars(svg: &mut String, colour: &str) {
    let _ = write!(svg, "<g fill=\"{colour}\">");
    for index in 0_i32..26 {
        let (x, y) = ((index * 97) % 440 - 220, (index * 61) % 420 - 230);
        let _ = write!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>", 1 + index % 3);
    }
    svg.push_str("</g>");
}

/// A portrait is a monogram: nobody's likeness is drawn.
fn face(name: &str) -> String {
    let initials: String = name.split_whitespace().filter_map(|word| word.chars().next()).take(3).collect();
    let hue = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 360);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 600\" role=\"img\" aria-label=\"{label}\">\
         <rect width=\"400\" height=\"600\" fill=\"hsl({hue} 28% 18%)\"/><circle cx=\"200\" cy=\"270\" r=\"150\" fill=\"none\" stroke=\"hsl({hue} 55% 65%)\" stroke-width=\"6\"/>\
         <circle cx=\"200\" cy=\"270\" r=\"136\" fill=\"hsl({hue} 30% 28%)\"/><text x=\"200\" y=\"312\" text-anchor=\"middle\" font-size=\"116\" \
         font-family=\"Futura, 'Century Gothic', 'Trebuchet MS', sans-serif\" fill=\"hsl({hue} 60% 88%)\">{initials}</text></svg>",
        label = escaped(name),
        initials = escaped(&initials),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
