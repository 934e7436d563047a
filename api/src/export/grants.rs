//! Exports funding terms as a package of the 360Giving Data Standard 1.4. Terms that the standard has no
//! field for go into an object `wayin` of each grant.
//!
//! Required values are never made up: a term without an amount, a currency or an award date is left out. If a
//! grant or an organisation has no identifier, one is derived from its data, with [`WAYIN_IDENTIFIER_PREFIX`]
//! or the publisher's prefix. The same grant has the same identifier in every export.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wayin_entity::{SourceKind, Visibility, funding_term, initiative, organisation, place};

use crate::error::{Error, Result};
use crate::grant_detail::{self, GrantDetail};
use crate::paging::KeysetScan;
use crate::store::funding_terms;
use crate::store::whole_records::WholeRecords;
use wayin_records::fields::FundingTermField;
use wayin_records::formats::grants::{Party, Period, WayinTerms};
use wayin_records::money;
use wayin_records::normalisation::fold_name;
use wayin_records::record::{FundingTerm, OrganisationReference};

/// The prefix of generated identifiers, which nobody has issued.
pub const WAYIN_IDENTIFIER_PREFIX: &str = "WAYIN";
/// The prefix of generated identifiers of organisations.
const WAYIN_ORGANISATION_PREFIX: &str = "WAYIN-ORG-";
const INITIATIVES_PER_PAGE: u64 = 500;
/// The number of characters of a funder's identifier that a generated grant identifier repeats.
const MAX_FUNDER_IDENTIFIER_CHARACTERS: usize = 100;

#[derive(Clone, Copy, Debug)]
pub struct GrantExportOptions<'a> {
    /// The prefix of generated identifiers, which 360Giving gave the publisher.
    pub prefix: &'a str,
    /// Whether terms of records that are not open are exported too.
    pub include_hidden: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantExportSummary {
    pub written: u64,
    /// Left out, as the record is not open.
    pub hidden: u64,
    /// Left out, as the record is illustrative.
    pub illustrative: u64,
    /// Left out, as the amount, the award date or a currency of the standard is missing.
    pub incomplete: u64,
}

/// Whether an organisation's identifier was generated. It then says no more than the name.
pub fn is_generated_identifier(identifier: &str) -> bool {
    identifier.starts_with(WAYIN_ORGANISATION_PREFIX)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrantObject<'a> {
    id: String,
    title: &'a str,
    description: &'a str,
    currency: &'a str,
    amount_awarded: Box<RawValue>,
    award_date: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_dates: Option<Vec<PlannedDates>>,
    recipient_organization: Vec<GrantOrganization<'a>>,
    funding_organization: Vec<GrantOrganization<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beneficiary_location: Option<Vec<GrantLocation<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_programme: Option<Vec<GrantProgramme<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wayin: Option<WayinTerms>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlannedDates {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<i32>,
}

#[derive(Serialize)]
struct GrantOrganization<'a> {
    id: String,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrantLocation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    geo_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    geo_code_type: Option<&'a str>,
}

#[derive(Serialize)]
struct GrantProgramme<'a> {
    title: &'a str,
}

/// Writes the funding terms of all published records as one package. Writes nothing if there is no term, as
/// the standard has no empty package. Call it within a transaction that sees one moment.
pub async fn export_grants(
    db: &impl ConnectionTrait,
    options: GrantExportOptions<'_>,
    output: &mut (dyn Write + Send),
) -> Result<GrantExportSummary> {
    let failed = |cause: std::io::Error| Error::BadInput(format!("the grants could not be written: {cause}"));
    let mut exported = GrantExportSummary::default();
    let published = initiative::Entity::find().filter(initiative::Column::WithdrawnAt.is_null());
    let mut walk = KeysetScan::new(published, initiative::Column::Id, INITIATIVES_PER_PAGE);
    while let Some(page) = walk.next_rows(db).await? {
        let rows = GrantRows::load(db, &page).await?;
        for row in &page {
            for term in &rows.records.parts(row.id).funding_terms {
                if row.illustrative {
                    exported.illustrative += 1;
                } else if row.visibility != Visibility::Open && !options.include_hidden {
                    exported.hidden += 1;
                } else if let Some(grant) = rows.grant(row, term, options.prefix)? {
                    let before: &[u8] = if exported.written == 0 {
                        b"{\"version\":\"1.4\",\"grants\":[\n"
                    } else {
                        b",\n"
                    };
                    output.write_all(before).map_err(failed)?;
                    serde_json::to_writer(&mut *output, &grant).map_err(|cause| failed(cause.into()))?;
                    exported.written += 1;
                } else {
                    exported.incomplete += 1;
                }
            }
        }
    }
    if exported.written > 0 {
        output.write_all(b"\n]}\n").map_err(failed)?;
    }
    Ok(exported)
}

/// The rows of the grants of some initiatives.
struct GrantRows {
    records: WholeRecords,
    /// Details that records have no field for, by grant identifier.
    details: HashMap<String, GrantDetail>,
}

impl GrantRows {
    async fn load(db: &impl ConnectionTrait, page: &[initiative::Model]) -> Result<Self> {
        let records = WholeRecords::load(db, page).await?;
        let terms = page.iter().flat_map(|row| &records.parts(row.id).funding_terms);
        let identifiers = terms.filter_map(|term| term.grant_identifier.clone());
        let details = grant_detail::load_details(db, identifiers).await?;
        Ok(Self { records, details })
    }

    /// The URL of the published grants that an initiative comes from.
    fn data_source(&self, initiative: Uuid) -> Option<&str> {
        let sources = self.records.parts(initiative).sources.iter();
        let mut sources = sources.filter(|source| source.kind == SourceKind::GrantData);
        sources.find_map(|source| source.url.as_deref().filter(|url| is_web_address(url)))
    }

    /// Builds the grant of a term. None if a required value is missing.
    fn grant<'a>(
        &'a self,
        row: &'a initiative::Model,
        term: &'a funding_term::Model,
        prefix: &str,
    ) -> Result<Option<GrantObject<'a>>> {
        let (Some(amount), Some(currency), Some(award_date)) =
            (term.amount_minor, term.currency.as_deref(), term.awarded_on)
        else {
            return Ok(None);
        };
        if !money::is_standard_currency(currency) {
            return Ok(None);
        }
        let (lead, funder) = (
            self.records
                .organisation(row.lead_organisation_id)
                .map_err(Error::Internal)?,
            self.records
                .organisation(term.funder_id)
                .map_err(Error::Internal)?,
        );
        let amount = RawValue::from_string(money::format_major_units(amount, currency));
        let planned = PlannedDates {
            start_date: term.starts_on,
            end_date: term.ends_on,
            duration: term.duration_months,
        };
        let has_dates = term.starts_on.is_some() || term.ends_on.is_some() || term.duration_months.is_some();
        let detail = term
            .grant_identifier
            .as_ref()
            .and_then(|identifier| self.details.get(identifier));
        let further = detail.map(|detail| &detail.further);
        let periods = further.map_or(&[][..], |it| &it.periods);
        let planned_dates: Vec<_> = has_dates
            .then_some(planned)
            .into_iter()
            .chain(periods.iter().map(PlannedDates::from_period))
            .collect();
        let programmes = further.map_or(&[][..], |it| &it.programmes);
        let programmes: Vec<_> = term
            .programme
            .as_deref()
            .into_iter()
            .chain(programmes.iter().map(String::as_str))
            .map(|title| GrantProgramme { title })
            .collect();
        let own = build_wayin_terms(term)?;
        let place = self.records.place(row).map_err(Error::Internal)?;
        let of_record = &self.records.parts(row.id).funding_terms;
        let id = match &term.grant_identifier {
            Some(identifier) => identifier.clone(),
            None => generate_grant_identifier(prefix, row, lead, funder, term, of_record),
        };
        Ok(Some(GrantObject {
            id,
            title: &row.title,
            // The standard requires a description. Its guidance recommends the title if nothing else is
            // known.
            description: row.summary.as_deref().unwrap_or(&row.title),
            currency,
            amount_awarded: amount.map_err(|cause| Error::Internal(cause.to_string()))?,
            award_date,
            planned_dates: (!planned_dates.is_empty()).then_some(planned_dates),
            recipient_organization: list_organizations(
                build_organization(lead),
                further.map(|it| &it.recipients[..]),
            ),
            funding_organization: list_organizations(
                build_organization(funder),
                further.map(|it| &it.funders[..]),
            ),
            beneficiary_location: build_locations(row, place, detail),
            grant_programme: (!programmes.is_empty()).then_some(programmes),
            data_source: self.data_source(row.id),
            wayin: (own != WayinTerms::default()).then_some(own),
        }))
    }
}

impl PlannedDates {
    const fn from_period(period: &Period) -> Self {
        Self {
            start_date: period.starts_on,
            end_date: period.ends_on,
            duration: period.duration_months,
        }
    }
}

/// Lists an organisation of the record and the additional ones of the grant.
fn list_organizations<'a>(
    first: GrantOrganization<'a>,
    further: Option<&'a [Party]>,
) -> Vec<GrantOrganization<'a>> {
    let further = further.into_iter().flatten().map(|party| GrantOrganization {
        id: match &party.identifier {
            Some(identifier) => identifier.clone(),
            None => generate_organisation_identifier(&party.name),
        },
        name: &party.name,
    });
    std::iter::once(first).chain(further).collect()
}

/// The published locations of the grant, unless a record names another place.
fn build_locations<'a>(
    row: &initiative::Model,
    place: Option<&'a place::Model>,
    detail: Option<&'a GrantDetail>,
) -> Option<Vec<GrantLocation<'a>>> {
    let published = detail.filter(|detail| !detail.locations.is_empty());
    let published = published.filter(|_| row.made_from_grant || place.is_none());
    let of = |name, code: Option<&'a str>, code_type: Option<&'a str>| GrantLocation {
        name,
        geo_code: code,
        geo_code_type: code_type.or_else(|| code.and_then(find_geo_code_type)),
    };
    match published {
        Some(detail) => {
            // A location with only a code gets the name of the place.
            let known = |code: Option<&str>| {
                let place = place.filter(|place| code.is_some() && place.code.as_deref() == code);
                place.map(|place| place.name.as_str())
            };
            let locations = detail.locations.iter();
            let locations = locations.map(|one| {
                let code = one.code.as_deref();
                let name = one.name.as_deref().or_else(|| known(code));
                of(name, code, one.code_type.as_deref())
            });
            Some(locations.collect())
        }
        None => place.map(|place| vec![of(Some(&place.name), place.code.as_deref(), None)]),
    }
}

fn build_wayin_terms(row: &funding_term::Model) -> Result<WayinTerms> {
    let term = funding_terms::record(row, OrganisationReference::default())
        .map_err(|cause| Error::Internal(format!("missing answers of a funding term: {cause}")))?;
    let mut own = WayinTerms(FundingTerm {
        grant_identifier: None,
        programme: None,
        currency: None,
        amount_minor: None,
        awarded_on: None,
        starts_on: None,
        ends_on: None,
        duration_months: None,
        ..term
    });
    // Every grant needs an identifier. It is generated if the term has none.
    own.0
        .missing
        .remove_where(|field| field == FundingTermField::GrantIdentifier);
    Ok(own)
}

fn build_organization(row: &organisation::Model) -> GrantOrganization<'_> {
    GrantOrganization {
        id: organisation_identifier(row),
        name: &row.name,
    }
}

/// The organisation's own identifier, or one that is generated from its name.
fn organisation_identifier(row: &organisation::Model) -> String {
    match &row.identifier {
        Some(identifier) => identifier.clone(),
        None => generate_organisation_identifier(&row.name),
    }
}

fn generate_organisation_identifier(name: &str) -> String {
    format!("{WAYIN_ORGANISATION_PREFIX}{}", short_digest(&[&fold_name(name)]))
}

/// Generates an identifier as the standard defines it: a prefix and a reference. The same term has the same
/// identifier in every export, also after a restore.
fn generate_grant_identifier(
    prefix: &str,
    row: &initiative::Model,
    lead: &organisation::Model,
    funder: &organisation::Model,
    term: &funding_term::Model,
    of_record: &[Arc<funding_term::Model>],
) -> String {
    let (lead, funder) = (organisation_identifier(lead), organisation_identifier(funder));
    let of_grant = of_record.iter().find_map(|term| term.grant_identifier.as_deref());
    let reference = row.external_ref.as_deref().or(of_grant).unwrap_or_default();
    let digest = short_digest(&[&lead, reference, &funder, &term.position.to_string()]);
    let shown: String = funder.chars().take(MAX_FUNDER_IDENTIFIER_CHARACTERS).collect();
    format!("{prefix}-{shown}-{digest}")
}

/// The first 64 bits of the SHA-256 of texts, in hexadecimal.
fn short_digest(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        // The length separates neighbouring texts.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hex::encode(&hash.finalize()[..8])
}

/// The code of the standard for the kind of area of a GSS code (codelist `geoCodeType.csv`).
fn find_geo_code_type(code: &str) -> Option<&'static str> {
    Some(match code.get(..3)? {
        "E01" | "W01" => "LSOA",
        "E02" | "W02" => "MSOA",
        "E05" | "S13" | "W05" => "WD",
        "E06" | "W06" => "UA",
        "E07" => "NMD",
        "E08" => "MD",
        "E09" => "LONB",
        "E10" => "CTY",
        "E12" => "RGN/GOR",
        "E14" | "N06" | "S14" | "W07" => "WPC",
        "S01" => "DZ",
        "S02" => "IG",
        "S12" => "CA",
        _ => return None,
    })
}

/// Whether the standard accepts a text as a web address.
fn is_web_address(text: &str) -> bool {
    let is_web = text.starts_with("http://") || text.starts_with("https://");
    let is_plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=".contains(c));
    is_web && is_plain
}
