//! Text of a PDF, page by page. `lopdf` parses, decompresses and knows the fonts' encodings; here the text operators of a page are
//! followed, so that lines and words stay apart (PDF 32000-1, 9.4).
//!
//! A PDF is a program of a stranger. Bounds: nesting and brackets (the library's own), bytes of every stream once decompressed,
//! pages, operators, forms within forms, characters, and a deadline. The caller adds a second one and catches a panic.

use lopdf::{Dictionary, Document, Encoding, Object, ObjectId, content::Content};
use std::{collections::BTreeMap, time::Instant};

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
/// Thousandths of the font's size: a shift by more is a space between words, by less it is kerning.
const WORD_GAP: f32 = 160.0;

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
        Reader { document: &document, text: String::new(), line: None, operators_left: MOST_OPERATORS, deadline };
    let mut pages = Pages::default();
    let (mut all, mut failed, mut chars) = (0, 0, 0);
    let mut is_cut = false;
    for (page, id) in document.page_iter().enumerate() {
        if page >= MOST_PAGES || chars > most_chars || reader.is_exhausted() {
            is_cut = true;
            break;
        }
        all += 1;
        (reader.text, reader.line) = (String::new(), None);
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

type Fonts<'a> = BTreeMap<Vec<u8>, Encoding<'a>>;

struct Reader<'a> {
    document: &'a Document,
    text: String,
    /// Height of the line that is being written, where it was set outright.
    line: Option<f32>,
    operators_left: usize,
    deadline: Instant,
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
        let mut font = None;
        let mut outcome = Ok(());
        for operation in &Content::decode(content)?.operations {
            self.operators_left = self.operators_left.saturating_sub(1);
            if self.operators_left == 0 {
                break;
            }
            let operands = operation.operands.as_slice();
            let number = |at: usize| operands.get(at).and_then(|operand| operand.as_float().ok()).unwrap_or(0.0);
            match operation.operator.as_str() {
                "Tf" => font = operands.first().and_then(|name| name.as_name().ok()).and_then(|name| fonts.get(name)),
                "Tj" | "TJ" => outcome = outcome.and(self.show(font, operands)),
                "'" => {
                    self.new_line();
                    outcome = outcome.and(self.show(font, operands));
                }
                "\"" => {
                    self.new_line();
                    outcome = outcome.and(self.show(font, operands.get(2..).unwrap_or_default()));
                }
                "Td" | "TD" if number(1) == 0.0 => self.gap(),
                "Tm" if self.line == Some(number(5)) => self.gap(),
                "Tm" => {
                    self.line = Some(number(5));
                    self.new_line();
                }
                "Td" | "TD" | "T*" | "ET" => self.new_line(),
                "Do" if depth > 0 && !self.is_exhausted() => {
                    if let Some(name) = operands.first().and_then(|name| name.as_name().ok()) {
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
            if let Some(Ok(encoding)) = font.map(|font| font.get_font_encoding_with_limit(document, MOST_PAGE_BYTES)) {
                fonts.entry(name.clone()).or_insert(encoding);
            }
        }
        fonts
    }

    fn show(&mut self, font: Option<&Encoding<'_>>, operands: &[Object]) -> lopdf::Result<()> {
        for operand in operands {
            match (operand, font) {
                (Object::String(bytes, _), Some(font)) => font.write_to_string(bytes, &mut self.text)?,
                (Object::Array(parts), _) => {
                    for part in parts {
                        match (part, font) {
                            (Object::String(bytes, _), Some(font)) => font.write_to_string(bytes, &mut self.text)?,
                            (shift, _) if shift.as_float().is_ok_and(|shift| shift < -WORD_GAP) => self.gap(),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn gap(&mut self) {
        if !self.text.ends_with(char::is_whitespace) {
            self.text.push(' ');
        }
    }

    fn new_line(&mut self) {
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}
