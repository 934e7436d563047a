//! Global ids: opaque for clients. They contain a letter for the type and a UUID.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the type of that name")]
pub enum NodeKind {
    Place = b'P',
    Organisation = b'O',
    Initiative = b'I',
    FundingTerm = b'F',
    Source = b'S',
    Crisis = b'Z',
    Meeting = b'M',
    Reflection = b'R',
    Claim = b'C',
    Term = b'T',
    Member = b'U',
    Submission = b'B',
    AuditEvent = b'A',
    Import = b'J',
    IssuedToken = b'K',
    Notice = b'N',
    Invitation = b'V',
    SavedQuestion = b'Q',
}

const NODE_KINDS: [NodeKind; 18] = [
    NodeKind::Place,
    NodeKind::Organisation,
    NodeKind::Initiative,
    NodeKind::FundingTerm,
    NodeKind::Source,
    NodeKind::Crisis,
    NodeKind::Meeting,
    NodeKind::Reflection,
    NodeKind::Claim,
    NodeKind::Term,
    NodeKind::Member,
    NodeKind::Submission,
    NodeKind::AuditEvent,
    NodeKind::Import,
    NodeKind::IssuedToken,
    NodeKind::Notice,
    NodeKind::Invitation,
    NodeKind::SavedQuestion,
];

impl NodeKind {
    /// The type's name in the schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Place => "Place",
            Self::Organisation => "Organisation",
            Self::Initiative => "Initiative",
            Self::FundingTerm => "FundingTerm",
            Self::Source => "Source",
            Self::Crisis => "Crisis",
            Self::Meeting => "Meeting",
            Self::Reflection => "Reflection",
            Self::Claim => "Claim",
            Self::Term => "Term",
            Self::Member => "Member",
            Self::Submission => "Submission",
            Self::AuditEvent => "AuditEvent",
            Self::Import => "Import",
            Self::IssuedToken => "IssuedToken",
            Self::Notice => "Notice",
            Self::Invitation => "Invitation",
            Self::SavedQuestion => "SavedQuestion",
        }
    }

    pub fn encode_id(self, id: Uuid) -> String {
        let mut bytes = [self as u8; 17];
        bytes[1..].copy_from_slice(id.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// Finds the type with a name in the schema.
pub fn find_kind(name: &str) -> Option<NodeKind> {
    // Earlier versions recorded events about members under this name.
    let name = if name == "Viewer" { "Member" } else { name };
    NODE_KINDS.into_iter().find(|kind| kind.name() == name)
}

/// Decodes a global id. None if the text does not come from [`NodeKind::encode_id`].
pub fn decode(text: &str) -> Option<(NodeKind, Uuid)> {
    let bytes: [u8; 17] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let kind = NODE_KINDS.into_iter().find(|kind| *kind as u8 == bytes[0])?;
    Some((kind, Uuid::from_slice(&bytes[1..]).ok()?))
}

/// Decodes the global id of a type. None if it belongs to another type.
pub fn decode_as(kind: NodeKind, text: &str) -> Option<Uuid> {
    decode(text).filter(|(found, _)| *found == kind).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_other_texts_are_rejected() {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        for kind in NODE_KINDS {
            assert_eq!(decode(&kind.encode_id(id)), Some((kind, id)));
            assert_eq!(decode_as(kind, &kind.encode_id(id)), Some(id));
        }
        assert_eq!(decode_as(NodeKind::Place, &NodeKind::Claim.encode_id(id)), None);
        for text in [
            "",
            "P",
            "not an id",
            "🦀",
            &NodeKind::Place.encode_id(id)[1..],
            &format!("{}A", NodeKind::Place.encode_id(id)),
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
