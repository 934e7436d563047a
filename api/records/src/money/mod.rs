//! Amounts of money, without floating point: whole numbers of the currency's minor unit, such as pence.

mod number;

use self::number::Decimal;
pub use self::number::DecimalSign;
pub(crate) use self::number::parse_integer;
use crate::text::quote;

/// The current and former codes of ISO 4217, sorted: those in `currency.csv` of the 360Giving Data Standard 1.4, and
/// those that ISO has added since.
const CURRENCY_CODES: &str = "\
ADP AED AFA AFN ALK ALL AMD ANG AOA AOK AON AOR ARA ARP ARS ARY ATS AUD AWG AYM AZM AZN BAD BAM \
BBD BDT BEC BEF BEL BGJ BGK BGL BGN BHD BIF BMD BND BOB BOP BOV BRB BRC BRE BRL BRN BRR BSD BTN \
BUK BWP BYB BYN BYR BZD CAD CDF CHC CHE CHF CHW CLF CLP CNY COP COU CRC CSD CSJ CSK CUC CUP CVE \
CYP CZK DDM DEM DJF DKK DOP DZD ECS ECV EEK EGP ERN ESA ESB ESP ETB EUR FIM FJD FKP FRF GBP GEK \
GEL GHC GHP GHS GIP GMD GNE GNF GNS GQE GRD GTQ GWE GWP GYD HKD HNL HRD HRK HTG HUF IDR IEP ILP \
ILR ILS INR IQD IRR ISJ ISK ITL JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAJ LAK LBP LKR \
LRD LSL LSM LTL LTT LUC LUF LUL LVL LVR LYD MAD MDL MGA MGF MKD MLF MMK MNT MOP MRO MRU MTL MTP \
MUR MVQ MVR MWK MXN MXP MXV MYR MZE MZM MZN NAD NGN NIC NIO NLG NOK NPR NZD OMR PAB PEH PEI PEN \
PES PGK PHP PKR PLN PLZ PTE PYG QAR RHD ROK ROL RON RSD RUB RUR RWF SAR SBD SCR SDD SDG SDP SEK \
SGD SHP SIT SKK SLE SLL SOS SRD SRG SSP STD STN SUR SVC SYP SZL THB TJR TJS TMM TMT TND TOP TPE \
TRL TRY TTD TWD TZS UAH UAK UGS UGW UGX USD USN USS UYI UYN UYP UYU UYW UZS VEB VED VEF VES VNC \
VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XEU XFO XFU XOF XPD XPF XPT XRE XSU XTS \
XUA XXX YDD YER YUD YUM YUN ZAL ZAR ZMK ZMW ZRN ZRZ ZWC ZWD ZWG ZWL ZWN ZWR";

/// Parses an ISO 4217 code and returns it in upper case.
pub(crate) fn parse_currency(text: &str) -> Result<String, String> {
    let code = text.trim().to_ascii_uppercase();
    if code.len() == 3 && CURRENCY_CODES.split(' ').any(|known| known == code) {
        Ok(code)
    } else {
        Err(format!(
            "{} is not a currency; write its three-letter ISO 4217 code, such as GBP",
            quote(text.trim())
        ))
    }
}

/// The codes that the 360Giving Data Standard 1.4 does not list.
const ADDITIONAL_CURRENCY_CODES: [&str; 6] = ["SLE", "UYW", "VED", "XAD", "XCG", "ZWG"];

/// Returns whether the 360Giving Data Standard 1.4 lists a code.
pub fn is_standard_currency(code: &str) -> bool {
    parse_currency(code).is_ok_and(|known| known == code) && !ADDITIONAL_CURRENCY_CODES.contains(&code)
}

/// Formats an amount in the currency's main unit, without zeros after the last decimal, such as `15000.5`.
pub fn format_major_units(minor: i64, currency: &str) -> String {
    let text = format_all_decimals(minor, currency);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Formats an amount in the currency's main unit with all its decimals, such as `15000.50`.
pub fn format_all_decimals(minor: i64, currency: &str) -> String {
    let decimals = usize::try_from(minor_unit_exponent(currency)).unwrap_or_default();
    let sign = if minor < 0 { "-" } else { "" };
    let mut digits = format!("{:0>width$}", minor.unsigned_abs(), width = decimals + 1);
    if decimals > 0 {
        digits.insert(digits.len() - decimals, '.');
    }
    format!("{sign}{digits}")
}

/// Returns the number of decimals of a currency (ISO 4217, table A.1).
fn minor_unit_exponent(currency: &str) -> i64 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// An amount of money that is not negative, in a currency that is not known yet.
#[derive(Debug)]
pub(crate) struct Amount<'a> {
    text: &'a str,
    number: Decimal,
}

impl<'a> Amount<'a> {
    /// Parses a decimal number, with or without thousands separators.
    pub(crate) fn parse(text: &'a str, sign: DecimalSign) -> Result<Self, String> {
        let text = text.trim();
        let Some(number) = number::parse_decimal(text, sign)? else {
            return Err(format!(
                "{} is not an amount; write the number alone, without a currency sign",
                quote(text)
            ));
        };
        if number.negative {
            return Err(format!("{} is below zero", quote(text)));
        }
        Ok(Self { text, number })
    }

    /// Converts the amount to the currency's minor unit.
    ///
    /// A number with the rounding error of a float, such as 41133.770000000004, is rounded half up. Any other number
    /// with more decimals than the currency is an error.
    pub(crate) fn minor_units(&self, currency: &str) -> Result<i64, String> {
        let RoundedAmount { minor, is_exact } = self.round_to_minor_units(currency)?;
        if !is_exact {
            let text = quote(self.text);
            return Err(format!("{text} has more decimals than {currency} has"));
        }
        Ok(minor)
    }

    /// Converts the amount to the currency's minor unit, rounded half away from zero.
    pub(crate) fn round_to_minor_units(&self, currency: &str) -> Result<RoundedAmount, String> {
        let too_large = || format!("{} is too large an amount", quote(self.text));
        let (units, excess) = self
            .number
            .split(minor_unit_exponent(currency))
            .ok_or_else(too_large)?;
        let is_half = self
            .number
            .is_at_least_half(minor_unit_exponent(currency), excess);
        let minor = i64::try_from(units + i128::from(is_half)).map_err(|_| too_large())?;
        let is_exact = excess.is_empty() || self.number.is_float_noise(excess);
        Ok(RoundedAmount { minor, is_exact })
    }

    /// The amount as written.
    pub(crate) const fn text(&self) -> &str {
        self.text
    }
}

/// An amount in a currency's minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoundedAmount {
    pub(crate) minor: i64,
    /// Whether nothing but the rounding error of a float was rounded.
    pub(crate) is_exact: bool,
}

/// Parses a number of months: a whole number above zero, where 36.0 is 36.
pub(crate) fn parse_months(text: &str, sign: DecimalSign) -> Result<i32, String> {
    /// A hundred years. A longer duration is an error of typing.
    const MAX_DURATION_MONTHS: i32 = 1200;
    let text = text.trim();
    let not_whole = || format!("{} is not a whole number of months", quote(text));
    let number = number::parse_decimal(text, sign)?.ok_or_else(not_whole)?;
    if number.negative || number.digits.is_empty() {
        return Err(format!("{} months is not a duration", quote(text)));
    }
    let months = match number.split(0) {
        Some((_, [_, ..])) => return Err(not_whole()),
        Some((units, [])) => i32::try_from(units).ok(),
        None => None,
    };
    months
        .filter(|months| *months <= MAX_DURATION_MONTHS)
        .ok_or_else(|| format!("{} months is over a hundred years", quote(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor_units(text: &str, currency: &str) -> Result<i64, String> {
        Amount::parse(text, DecimalSign::Point)?.minor_units(currency)
    }

    #[test]
    fn amounts_round_trip() {
        for (minor, currency, written) in [
            (0, "GBP", "0"),
            (5, "GBP", "0.05"),
            (50, "GBP", "0.5"),
            (123_400, "GBP", "1234"),
            (1_234_567, "GBP", "12345.67"),
            (5, "JPY", "5"),
            (1, "BHD", "0.001"),
            (i64::MAX, "GBP", "92233720368547758.07"),
        ] {
            assert_eq!(format_major_units(minor, currency), written);
            assert_eq!(minor_units(written, currency), Ok(minor), "{written} {currency}");
        }
        assert!(is_standard_currency("GBP") && !is_standard_currency("ZWG") && !is_standard_currency("gbp"));
    }

    #[test]
    fn only_known_currency_codes_are_accepted() {
        assert_eq!(parse_currency(" gbp "), Ok("GBP".into()));
        for text in ["", "£", "GPB", "GB", "GBP EUR", "BP E", "ÄÖ"] {
            assert!(parse_currency(text).is_err(), "{text}");
        }
        assert!(CURRENCY_CODES.split(' ').is_sorted_by(|a, b| a < b));
        assert!(CURRENCY_CODES.split(' ').all(|code| code.len() == 3));
    }

    #[test]
    fn amounts_are_exact() {
        let cases = [
            ("15000", "GBP", 1_500_000),
            ("40000.0", "GBP", 4_000_000),
            ("80394.5", "GBP", 8_039_450),
            ("0.1", "GBP", 10),
            ("0", "GBP", 0),
            ("-0.00", "GBP", 0),
            ("0e999999999999999999999", "GBP", 0),
            ("1.5e4", "GBP", 1_500_000),
            ("150000E-1", "GBP", 1_500_000),
            ("+7.5", "GBP", 750),
            (".5", "GBP", 50),
            ("5.", "GBP", 500),
            ("00012.30", "GBP", 1_230),
            ("1500", "JPY", 1_500),
            ("1.234", "KWD", 1_234),
            ("1.2345", "CLF", 12_345),
            ("92233720368547758.07", "GBP", i64::MAX),
            ("9007199254740993.01", "GBP", 900_719_925_474_099_301),
            ("9223372036854775807", "JPY", i64::MAX),
            // What floats leave behind.
            ("41133.770000000004", "GBP", 4_113_377),
            ("44337.130000000005", "GBP", 4_433_713),
            ("0.30000000000000004", "GBP", 30),
            ("80394.49999999999", "GBP", 8_039_450),
            ("2.9999999999999996", "GBP", 300),
            ("1500.0000000000002", "JPY", 1_500),
        ];
        for (text, currency, minor) in cases {
            assert_eq!(minor_units(text, currency), Ok(minor), "{text} {currency}");
        }
    }

    #[test]
    fn invalid_amounts_are_rejected() {
        let cases = [
            ("", "is not an amount"),
            (".", "is not an amount"),
            ("e5", "is not an amount"),
            ("1e", "is not an amount"),
            ("1e+", "is not an amount"),
            ("£15", "is not an amount"),
            ("15,000", "15000 or 15.000"),
            ("0x10", "is not an amount"),
            ("NaN", "is not an amount"),
            ("inf", "is not an amount"),
            ("1.2.3", "is not an amount"),
            ("--1", "is not an amount"),
            ("١٢", "is not an amount"),
            ("-1", "is below zero"),
            ("-1e400", "is below zero"),
            ("0.005", "more decimals"),
            ("100.125", "more decimals"),
            ("100.0000001", "more decimals"),
            ("1e-400", "more decimals"),
            ("1e-99999999999999999999", "more decimals"),
            ("0.0000000000000000012345678901234567", "more decimals"),
            ("1.23456789012345678", "more decimals"),
            ("92233720368547758.08", "too large"),
            ("1e400", "too large"),
            ("1e99999999999999999999", "too large"),
        ];
        for (text, reason) in cases {
            let said = minor_units(text, "GBP").unwrap_err();
            assert!(said.contains(reason), "{text}: {said}");
        }
        assert!(minor_units("1.5", "JPY").is_err());
    }

    #[test]
    fn pence_amounts_survive_float_formatting() {
        for pence in (0..10_000_000_i64).step_by(37) {
            let pounds = pence as f64 / 100.0;
            assert_eq!(minor_units(&pounds.to_string(), "GBP"), Ok(pence));
            assert_eq!(minor_units(&format!("{pounds:.2}"), "GBP"), Ok(pence));
            assert_eq!(minor_units(&format!("{pounds:e}"), "GBP"), Ok(pence));
        }
    }

    #[test]
    fn major_unit_format_round_trips() {
        for (minor, currency, text) in [
            (1_500_050, "GBP", "15000.50"),
            (0, "GBP", "0.00"),
            (7, "KWD", "0.007"),
            (7, "JPY", "7"),
            (i64::MAX, "GBP", "92233720368547758.07"),
        ] {
            assert_eq!(format_all_decimals(minor, currency), text);
            assert_eq!(minor_units(text, currency), Ok(minor));
        }
        assert_eq!(format_all_decimals(-1, "GBP"), "-0.01");
    }

    #[test]
    fn months_must_be_positive_integers() {
        for (text, count) in [("36", 36), ("36.0", 36), (" 1.2e1 ", 12), ("1200", 1200)] {
            assert_eq!(parse_months(text, DecimalSign::Point), Ok(count), "{text}");
        }
        for text in [
            "", "0", "-0", "0.0", "-12", "1.5", "0.5", "1e-3", "1201", "1e30", "one year",
        ] {
            assert!(parse_months(text, DecimalSign::Point).is_err(), "{text}");
        }
    }
}
