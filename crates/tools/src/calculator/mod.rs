//! Exact arithmetic, so that a model need not do it in its head.
//!
//! Knows: decimal numbers, `+ - * / % **`, brackets, signs. Numbers are fractions of whole numbers: 0.1 + 0.2 is 0.3.
//! Never: variables, functions, units. Every limit is checked before the work it bounds.
//! Start reading at [`evaluate`].

use majordomo_domain::{Call, Effect, Output, Tool, ToolError, Toolkit, text::shorten, tool::Limits};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;
use winnow::{
    ModalResult, Parser,
    ascii::{digit0, digit1, space0},
    combinator::{Infix, Prefix, alt, cut_err, delimited, dispatch, empty, expression, fail, opt, terminated},
    token::any,
};

/// Characters of an expression.
const MAX_CHARACTERS: usize = 200;
/// Whole-number exponents reach from minus this to plus this.
const MAX_EXPONENT: i64 = 1_000;
/// Brackets within brackets, and signs in a row.
const MAX_DEPTH: usize = 40;
/// Size of any number on the way, numerator and denominator each. About 4,900 decimal digits.
const MAX_BITS: u64 = 16_384;
/// Decimal places asked for.
const MAX_SCALE: u32 = 100;

pub fn toolkit() -> Toolkit {
    Toolkit::new("calculator", ())
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: 16, timeout: Duration::from_secs(1) })
        .tool::<CalculateExpression>()
        .build()
}

/// Calculate an arithmetic expression exactly: decimal numbers, + - * / % ** (whole exponents up to 1000), brackets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalculateExpression {
    /// Such as `(19.99 * 3) / 2`. At most 200 characters.
    expression: String,
    /// Decimal places to round to, 0 to 100. Default 28.
    #[serde(default = "default_scale")]
    scale: u32,
}

fn default_scale() -> u32 {
    28
}

impl Tool for CalculateExpression {
    const NAME: &'static str = "calculate_expression";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "calculator arithmetic math sum add subtract multiply divide percent power modulo \
        plus minus times rechnen Rechnung mal geteilt Prozent Summe Wurzel calcular cuenta cuánto por ciento suma calculer calcul combien font fois pour cent somme \
        turn convert minutes hours units umrechnen Minuten Stunden convertir minutos horas minutes heures";
    type Service = ();

    fn title(&self) -> String {
        format!("Calculating {}", shorten(self.expression.trim(), 60))
    }

    async fn run(self, _: &(), _: &Call) -> Result<Output, ToolError> {
        if self.scale > MAX_SCALE {
            return Err(ToolError::TellModel(format!("scale is {}, it may be 0 to {MAX_SCALE}", self.scale)));
        }
        let value = evaluate(&self.expression).map_err(|fault| ToolError::TellModel(fault.to_string()))?;
        let (result, is_exact) = decimal(&value, self.scale);
        let mut answer = serde_json::json!({ "expression": self.expression.trim(), "result": result });
        if !is_exact {
            answer["rounded_to_places"] = self.scale.into();
        }
        Output::json(&answer)
    }
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq)]
enum Fault {
    Empty,
    TooLong(usize),
    Character(char),
    TooDeep,
    Syntax(usize),
    DivisionByZero,
    ZeroToZero,
    FractionalExponent,
    ExponentTooLarge,
    TooLarge,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Empty => write!(f, "the expression is empty"),
            Fault::TooLong(length) => {
                write!(f, "the expression has {length} characters, the limit is {MAX_CHARACTERS}")
            }
            Fault::Character(c) => {
                write!(f, "{c:?} is not allowed in an expression; use decimal numbers, + - * / % ** and round brackets")
            }
            Fault::TooDeep => write!(f, "more than {MAX_DEPTH} brackets or signs are nested"),
            Fault::Syntax(at) => write!(f, "the expression is not complete or not understood at character {at}"),
            Fault::DivisionByZero => write!(f, "division by zero"),
            Fault::ZeroToZero => write!(f, "zero to the power of zero is not defined"),
            Fault::FractionalExponent => write!(f, "an exponent must be a whole number"),
            Fault::ExponentTooLarge => write!(f, "an exponent may be at most {MAX_EXPONENT}"),
            Fault::TooLarge => write!(f, "a number on the way is too large"),
        }
    }
}

fn evaluate(text: &str) -> Result<BigRational, Fault> {
    let length = text.chars().count();
    if length > MAX_CHARACTERS {
        return Err(Fault::TooLong(length));
    }
    if text.trim().is_empty() {
        return Err(Fault::Empty);
    }
    let (mut depth, mut signs) = (0usize, 0usize);
    for c in text.chars() {
        match c {
            '0'..='9' | '.' | '*' | '/' | '%' => signs = 0,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '+' | '-' => signs += 1,
            ' ' => {}
            other => return Err(Fault::Character(other)),
        }
        if depth > MAX_DEPTH || signs > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
    }
    (space0, sum).map(|(_, value)| value).parse(text).map_err(|e| Fault::Syntax(e.offset() + 1))?
}

/// A value, or why there is none. Faults travel up as values, so the grammar only ever fails on syntax.
type Value = Result<BigRational, Fault>;

fn sum(input: &mut &str) -> ModalResult<Value> {
    let operand = terminated(alt((delimited(('(', space0), cut_err(sum), cut_err(')')), number)), space0);
    // Binding powers: a sign is weaker than a power on its left (-2**2 is -4), stronger than a product.
    let sign = dispatch! {any;
        '-' => empty.value(Prefix(30, |_: &mut _, a: Value| Ok(a.map(|a| -a)))),
        '+' => empty.value(Prefix(30, |_: &mut _, a: Value| Ok(a))),
        _ => fail,
    };
    let operator = alt((
        "**".value(Infix::Right(40, |_: &mut _, a, b| Ok(both(power, a, b)))),
        "*".value(Infix::Left(20, |_: &mut _, a, b| Ok(both(|a, b| Ok(a * b), a, b)))),
        "/".value(Infix::Left(20, |_: &mut _, a, b| Ok(both(divide, a, b)))),
        "%".value(Infix::Left(20, |_: &mut _, a, b| Ok(both(remainder, a, b)))),
        "+".value(Infix::Left(10, |_: &mut _, a, b| Ok(both(|a, b| Ok(a + b), a, b)))),
        "-".value(Infix::Left(10, |_: &mut _, a, b| Ok(both(|a, b| Ok(a - b), a, b)))),
    ));
    expression(operand).prefix(terminated(sign, space0)).infix(terminated(operator, space0)).parse_next(input)
}

/// `12`, `1.5`, `.5`, `5.`
fn number(input: &mut &str) -> ModalResult<Value> {
    let digits = alt(((digit1, opt(('.', digit0))).take(), ('.', digit1).take()));
    digits
        .map(|text: &str| {
            let (whole, places) = text.split_once('.').unwrap_or((text, ""));
            let numerator: BigInt = format!("{whole}{places}").parse().unwrap_or_default();
            Ok(BigRational::new(numerator, BigInt::from(10).pow(u32::try_from(places.len()).unwrap_or(0))))
        })
        .parse_next(input)
}

fn both(operation: fn(BigRational, BigRational) -> Value, a: Value, b: Value) -> Value {
    let value = operation(a?, b?)?;
    if value.numer().bits().max(value.denom().bits()) > MAX_BITS { Err(Fault::TooLarge) } else { Ok(value) }
}

fn divide(a: BigRational, b: BigRational) -> Value {
    if b.is_zero() { Err(Fault::DivisionByZero) } else { Ok(a / b) }
}

/// What is left after whole-number division; has the sign of the dividend.
fn remainder(a: BigRational, b: BigRational) -> Value {
    if b.is_zero() { Err(Fault::DivisionByZero) } else { Ok(a % b) }
}

fn power(base: BigRational, exponent: BigRational) -> Value {
    if !exponent.is_integer() {
        return Err(Fault::FractionalExponent);
    }
    let exponent = match exponent.to_integer().to_i64() {
        Some(n) if n.abs() <= MAX_EXPONENT => i32::try_from(n).map_err(|_| Fault::ExponentTooLarge)?,
        _ => return Err(Fault::ExponentTooLarge),
    };
    if base.is_zero() && exponent <= 0 {
        return Err(if exponent == 0 { Fault::ZeroToZero } else { Fault::DivisionByZero });
    }
    let bits = base.numer().bits().max(base.denom().bits());
    if !base.numer().abs().is_one() && bits * u64::from(exponent.unsigned_abs()) > 2 * MAX_BITS {
        return Err(Fault::TooLarge);
    }
    Ok(base.pow(exponent))
}

/// The value with at most `places` decimals, halves to even, without trailing zeros; and whether nothing was cut.
fn decimal(value: &BigRational, places: u32) -> (String, bool) {
    let scaled = value * BigRational::from_integer(BigInt::from(10).pow(places));
    let floor = scaled.floor().to_integer();
    let rest = &scaled - BigRational::from_integer(floor.clone());
    let half = BigRational::new(BigInt::one(), BigInt::from(2));
    let up = rest > half || (rest == half && floor.bit(0));
    let rounded = if up { floor + 1 } else { floor };
    let sign = if rounded.is_negative() { "-" } else { "" };
    let digits = format!("{:0>width$}", rounded.abs().to_string(), width = places as usize + 1);
    let (whole, decimals) = digits.split_at(digits.len() - places as usize);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    (format!("{sign}{whole}{point}{decimals}"), scaled.is_integer())
}

#[cfg(test)]
mod tests {
    use crate::testing::{call, run};
    use serde_json::json;
    use std::time::{Duration, Instant};

    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let started = Instant::now();
        let arguments = serde_json::json!({ "expression": expression }).to_string();
        let answer = match run(&super::toolkit(), "calculate_expression", &arguments, &call()) {
            Ok(output) => {
                serde_json::from_str::<serde_json::Value>(&output.text).unwrap()["result"].as_str().unwrap().to_owned()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, expected, "{}", &expression[..expression.len().min(80)]);
        assert!(started.elapsed() < Duration::from_millis(100), "took {:?}", started.elapsed());
    }

    #[test]
    fn arithmetic_is_exact_and_follows_precedence() {
        check("0.1+0.2", "0.3");
        check("2 + 3 * 4", "14");
        check("(2 + 3) * 4", "20");
        check("-2**2", "-4");
        check("2**-1", "0.5");
        check("2**3**2", "512");
        check("- -3 - +4", "-1");
        check("10 % 4 * 2", "4");
        check("-7 % 3", "-1");
        check("5.5 % 2", "1.5");
        check("1/3", "0.3333333333333333333333333333");
        check("2/3", "0.6666666666666666666666666667");
        check(".5 + 5.", "5.5");
        check("1.10 * 3", "3.3");
        check("-0.0", "0");
        check("2**100", "1267650600228229401496703205376");
        check("1**1000", "1");
        check("2**1000 / 2**999", "2");
        check("0**0.0", "zero to the power of zero is not defined");
    }

    #[test]
    fn what_cannot_be_calculated_is_refused_at_once_with_a_sentence() {
        check("1/0", "division by zero");
        check("5 % 0", "division by zero");
        check("0**-1", "division by zero");
        check("9**9**9", "an exponent may be at most 1000");
        check("2**1001", "an exponent may be at most 1000");
        check("2**0.5", "an exponent must be a whole number");
        check("((9**999)**999)**999", "a number on the way is too large");
        check("1e999999", "'e' is not allowed in an expression; use decimal numbers, + - * / % ** and round brackets");
        check(
            "__import__('os')",
            "'_' is not allowed in an expression; use decimal numbers, + - * / % ** and round brackets",
        );
        check(&"(".repeat(10_000), "the expression has 10000 characters, the limit is 200");
        check(&format!("{}1{}", "(".repeat(99), ")".repeat(99)), "more than 40 brackets or signs are nested");
        check(&format!("{}1", "-".repeat(199)), "more than 40 brackets or signs are nested");
        check(&format!("{}1{}", "(-".repeat(40), ")".repeat(40)), "1");
        check("", "the expression is empty");
        check("  ", "the expression is empty");
        check("2 +", "the expression is not complete or not understood at character 4");
        check("(2", "the expression is not complete or not understood at character 3");
        check("1 2", "the expression is not complete or not understood at character 3");
        check("2(3)", "the expression is not complete or not understood at character 2");
        check("1.5.2", "the expression is not complete or not understood at character 4");
        check("()", "the expression is not complete or not understood at character 3");
    }

    #[test]
    fn scale_sets_the_decimal_places() {
        let at = |scale: u32| {
            let arguments = format!(r#"{{"expression":"1/8","scale":{scale}}}"#);
            let output = run(&super::toolkit(), "calculate_expression", &arguments, &call())?;
            Ok::<_, majordomo_domain::ToolError>(crate::testing::told(&output))
        };
        let rounded =
            |result: &str, places: u32| json!({ "expression": "1/8", "result": result, "rounded_to_places": places });
        assert_eq!(at(2).unwrap(), rounded("0.12", 2));
        assert_eq!(at(3).unwrap(), json!({ "expression": "1/8", "result": "0.125" }));
        assert_eq!(at(0).unwrap(), rounded("0", 0));
        assert_eq!(at(101).unwrap_err().to_string(), "scale is 101, it may be 0 to 100");
    }
}
