//! Text of a PDF, page by page. `lopdf` parses, decompresses and knows the fonts' encodings; here the text operators of a page are
//! followed with the widths of what they show, so that words are neither cut nor glued together (PDF 32000-1, 9.2 to 9.4): programs
//! place a word whole, in pieces, or letter by letter, and few write the spaces.
//!
//! A PDF is a program of a stranger. Bounds: nesting and brackets (the library's own), bytes of every stream once decompressed,
//! pages, operators, forms within forms, characters, and a deadline. The caller adds a second one and catches a panic.

use lopdf::{Dictionary, Document, Encoding, Object, ObjectId, content::Content};
use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

/// Pages that are read.
const MOST_PAGES: usize = 2_000;
/// Bytes of one stream once decompressed, while the document is taken apart.
const MOST_STREAM_BYTES: usize = 32 << 20;
/// Bytes of what is drawn on one page. An operator in memory is about fifty times what it is in the file.
const MOST_PAGE_BYTES: usize = 4 << 20;
/// Operators of one document.
const MOST_OPERATORS: usize = 20_000_000;
/// Drawings within drawings. They may contain themselves.
const DEEPEST_FORM: usize = 4;
/// Parts of the font's size: a step by more is a space between words, by less it is kerning.
const WORD_GAP: f32 = 0.16;
/// Parts of the font's size: a step up or down by more is another line, by less an exponent.
const LINE_GAP: f32 = 0.6;
/// Widths of one font that are kept.
const MOST_WIDTHS: usize = 65_536;

/// Pages with text, by number.
#[derive(Debug, Default)]
pub struct Pages {
    pub pages: Vec<(u32, String)>,
    /// What is missing.
    pub remark: Option<String>,
}

/// The error is a reason for people.
pub fn read(bytes: &[u8], most_chars: usize, deadline: Instant) -> Result<Pages, String> {
    let options = lopdf::LoadOptions::with_max_decompressed_size(MOST_STREAM_BYTES);
    let document = Document::load_mem_with_options(bytes, options).map_err(|error| match error {
        lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) => "it is protected by a password".to_owned(),
        _ => "it is not a PDF that can be understood".to_owned(),
    })?;
    if document.is_encrypted() {
        return Err("it is protected by a password".into());
    }
    let mut reader =
        Reader { document: &document, text: String::new(), end: None, operators_left: MOST_OPERATORS, deadline };
    let mut pages = Pages::default();
    let (mut all, mut failed, mut chars) = (0, 0, 0);
    let mut is_cut = false;
    for (page, id) in document.page_iter().enumerate() {
        if page >= MOST_PAGES || chars > most_chars || reader.is_exhausted() {
            is_cut = true;
            break;
        }
        all += 1;
        (reader.text, reader.end) = (String::new(), None);
        if reader.page(id).is_err() {
            failed += 1;
        }
        chars += reader.text.chars().count();
        if !reader.text.trim().is_empty() {
            pages.pages.push((page as u32 + 1, std::mem::take(&mut reader.text)));
        }
    }
    pages.remark = match (pages.pages.last(), failed) {
        (None, _) if all == 0 => return Err("it has no pages that can be read".into()),
        (None, 0) => return Err("it has no text; its pages may be pictures".into()),
        (None, _) => return Err("none of its pages can be read".into()),
        (Some((page, _)), _) if is_cut => Some(format!("only its pages up to {page} are kept; the rest is too much")),
        (Some(_), 0) => None,
        (Some(_), failed) => Some(format!("{failed} of its {all} pages could not be read in full")),
    };
    Ok(pages)
}

type Fonts<'a> = BTreeMap<Vec<u8>, Font<'a>>;

struct Font<'a> {
    encoding: Encoding<'a>,
    /// By code, in thousandths of the size.
    widths: HashMap<u32, f32>,
    usual_width: f32,
    /// Codes have two bytes.
    is_wide: bool,
}

/// Where and how text is written, in the page's text units.
struct Pen<'f, 'a> {
    font: Option<&'f Font<'a>>,
    size: f32,
    letter_space: f32,
    word_space: f32,
    leading: f32,
    /// Beginning of the line, and how its units are stretched.
    line: (f32, f32),
    stretch: (f32, f32),
    /// How far the text has come from the beginning of the line.
    written: f32,
}

struct Reader<'a> {
    document: &'a Document,
    text: String,
    /// Where the text that was shown last ended.
    end: Option<(f32, f32)>,
    operators_left: usize,
    deadline: Instant,
}

impl Pen<'_, '_> {
    fn go(&mut self, across: f32, up: f32) {
        self.line = (self.line.0 + across * self.stretch.0, self.line.1 + up * self.stretch.1);
        self.written = 0.0;
    }

    fn next_line(&mut self) {
        let down = if self.leading == 0.0 { self.size } else { self.leading };
        self.go(0.0, -down);
    }

    fn place(&self) -> (f32, f32) {
        (self.line.0 + self.written * self.stretch.0, self.line.1)
    }
}

impl<'a> Reader<'a> {
    fn is_exhausted(&self) -> bool {
        self.operators_left == 0 || Instant::now() >= self.deadline
    }

    fn page(&mut self, id: ObjectId) -> lopdf::Result<()> {
        let document = self.document;
        let (own, inherited) = document.get_page_resources(id)?;
        let inherited = inherited.into_iter().filter_map(|id| document.get_dictionary(id).ok());
        let resources: Vec<&Dictionary> = own.into_iter().chain(inherited).collect();
        let content = document.get_page_content_with_limit(id, MOST_PAGE_BYTES)?;
        self.draw(&content, &resources, DEEPEST_FORM)
    }

    fn draw(&mut self, content: &[u8], resources: &[&'a Dictionary], depth: usize) -> lopdf::Result<()> {
        let fonts = self.fonts(resources);
        let mut pen = Pen {
            font: None,
            size: 1.0,
            letter_space: 0.0,
            word_space: 0.0,
            leading: 0.0,
            line: (0.0, 0.0),
            stretch: (1.0, 1.0),
            written: 0.0,
        };
        let mut outcome = Ok(());
        for operation in &Content::decode(content)?.operations {
            self.operators_left = self.operators_left.saturating_sub(1);
            if self.operators_left == 0 {
                break;
            }
            let operands = operation.operands.as_slice();
            let number = |at: usize| operands.get(at).and_then(|operand| operand.as_float().ok()).unwrap_or(0.0);
            let name = || operands.first().and_then(|name| name.as_name().ok());
            match operation.operator.as_str() {
                "Tf" => (pen.font, pen.size) = (name().and_then(|name| fonts.get(name)), number(1)),
                "Tc" => pen.letter_space = number(0),
                "Tw" => pen.word_space = number(0),
                "TL" => pen.leading = number(0),
                "BT" => (pen.line, pen.stretch, pen.written) = ((0.0, 0.0), (1.0, 1.0), 0.0),
                "Tm" => {
                    (pen.line, pen.written) = ((number(4), number(5)), 0.0);
                    pen.stretch = (number(0), number(3));
                }
                "Td" => pen.go(number(0), number(1)),
                "TD" => {
                    pen.leading = -number(1);
                    pen.go(number(0), number(1));
                }
                "T*" => pen.next_line(),
                "Tj" | "TJ" => outcome = outcome.and(self.show(&mut pen, operands)),
                "'" => {
                    pen.next_line();
                    outcome = outcome.and(self.show(&mut pen, operands));
                }
                "\"" => {
                    (pen.word_space, pen.letter_space) = (number(0), number(1));
                    pen.next_line();
                    outcome = outcome.and(self.show(&mut pen, operands.get(2..).unwrap_or_default()));
                }
                "Do" if depth > 0 && !self.is_exhausted() => {
                    if let Some(name) = name() {
                        outcome = outcome.and(self.form(name, resources, depth - 1));
                    }
                }
                _ => {}
            }
        }
        outcome
    }

    /// A drawing kept apart from its page, such as a stamp or a whole imported page.
    fn form(&mut self, name: &[u8], resources: &[&'a Dictionary], depth: usize) -> lopdf::Result<()> {
        let document = self.document;
        let objects = resources.iter().filter_map(|one| document.get_dict_in_dict(one, b"XObject").ok());
        let found = objects.filter_map(|objects| objects.get(name).ok()).next();
        let Some(Ok((_, Object::Stream(form)))) = found.map(|object| document.dereference(object)) else {
            return Ok(());
        };
        if !form.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|subtype| subtype == b"Form") {
            return Ok(());
        }
        let own = document.get_dict_in_dict(&form.dict, b"Resources").ok();
        let inner: Vec<&Dictionary> = own.map_or_else(|| resources.to_vec(), |own| vec![own]);
        let content = form.get_plain_content_with_limit(MOST_PAGE_BYTES)?;
        self.draw(&content, &inner, depth)
    }

    fn fonts(&self, resources: &[&'a Dictionary]) -> Fonts<'a> {
        let document = self.document;
        let mut fonts = Fonts::new();
        for (name, font) in resources
            .iter()
            .filter_map(|one| document.get_dict_in_dict(one, b"Font").ok())
            .flat_map(|fonts| fonts.iter())
        {
            let font = document.dereference(font).ok().and_then(|(_, font)| font.as_dict().ok());
            if let Some(font) = font.and_then(|font| self.font(font)) {
                fonts.entry(name.clone()).or_insert(font);
            }
        }
        fonts
    }

    fn font(&self, font: &'a Dictionary) -> Option<Font<'a>> {
        let document = self.document;
        let encoding = font.get_font_encoding_with_limit(document, MOST_PAGE_BYTES).ok()?;
        let is_wide = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|subtype| subtype == b"Type0");
        let list = |dictionary: &'a Dictionary, key: &[u8]| {
            let object = dictionary.get(key).ok()?;
            document.dereference(object).ok()?.1.as_array().ok()
        };
        let number = |object: &'a Object| document.dereference(object).ok()?.1.as_float().ok();
        let mut widths = HashMap::new();
        if !is_wide {
            let first =
                font.get(b"FirstChar").and_then(Object::as_i64).ok().and_then(|first| u32::try_from(first).ok());
            let given = list(font, b"Widths").into_iter().flatten().filter_map(number);
            widths.extend((first.unwrap_or(0).min(0xffff)..).zip(given).take(MOST_WIDTHS));
            return Some(Font { encoding, widths, usual_width: 500.0, is_wide });
        }
        let descendant = list(font, b"DescendantFonts").and_then(|fonts| fonts.first());
        let descendant = descendant.and_then(|font| document.dereference(font).ok()?.1.as_dict().ok());
        // `first [width …]`, or `first last width`.
        let mut given = descendant.and_then(|font| list(font, b"W")).into_iter().flatten();
        while let (Some(first), Some(second)) = (given.next(), given.next())
            && widths.len() < MOST_WIDTHS
        {
            let first = (number(first).unwrap_or(0.0) as u32).min(0xffff);
            match document.dereference(second) {
                Ok((_, Object::Array(list))) => {
                    widths.extend((first..).zip(list.iter().filter_map(number)).take(MOST_WIDTHS))
                }
                _ => {
                    let last = number(second).unwrap_or(0.0) as u32;
                    let Some(width) = given.next().and_then(number) else { break };
                    widths.extend((first..=last).take(MOST_WIDTHS).map(|code| (code, width)));
                }
            }
        }
        let usual = descendant.and_then(|font| font.get(b"DW").ok()).and_then(number);
        Some(Font { encoding, widths, usual_width: usual.unwrap_or(1_000.0), is_wide })
    }

    fn show(&mut self, pen: &mut Pen<'_, 'a>, operands: &[Object]) -> lopdf::Result<()> {
        let Some(font) = pen.font else { return Ok(()) };
        for operand in operands {
            match operand {
                Object::String(bytes, _) => self.write(pen, font, bytes)?,
                Object::Array(parts) => {
                    for part in parts {
                        match part {
                            Object::String(bytes, _) => self.write(pen, font, bytes)?,
                            shift => pen.written -= shift.as_float().unwrap_or(0.0) / 1_000.0 * pen.size,
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn write(&mut self, pen: &mut Pen<'_, 'a>, font: &Font<'_>, bytes: &[u8]) -> lopdf::Result<()> {
        let (x, y) = pen.place();
        if let Some((end_x, end_y)) = self.end {
            if (y - end_y).abs() > LINE_GAP * (pen.size * pen.stretch.1).abs() {
                self.apart('\n');
            } else if (x - end_x).abs() > WORD_GAP * (pen.size * pen.stretch.0).abs() {
                self.apart(' ');
            }
        }
        font.encoding.write_to_string(bytes, &mut self.text)?;
        for code in bytes.chunks(if font.is_wide { 2 } else { 1 }) {
            let code = code.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
            let width = font.widths.get(&code).copied().unwrap_or(font.usual_width);
            let space = if code == 32 && !font.is_wide { pen.word_space } else { 0.0 };
            pen.written += width / 1_000.0 * pen.size + pen.letter_space + space;
        }
        self.end = Some(pen.place());
        Ok(())
    }

    fn apart(&mut self, mark: char) {
        if !self.text.ends_with(char::is_whitespace) {
            self.text.push(mark);
        }
    }
}
