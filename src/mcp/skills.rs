//! Skills: what a model reads once to use the tools well, as SEP-2640 (Skills over MCP) has servers give it.
//!
//! The files lie in the folder `skills` of the repository, in the form of the Agent Skills specification, and are
//! built into the program. A skill is offered only where its tools are. A client that knows nothing of skills finds
//! the same files among the resources.

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, ReadResourceResult, Resource, ResourceContents, Skill, SkillFrontmatter, SkillResource,
    SkillResources,
};

use super::registry::Offer;

const MARKDOWN: &str = "text/markdown";

/// How long a client may keep a skill: an hour, in milliseconds.
const FOR_MS: u64 = 3_600_000;

struct File {
    uri: &'static str,
    title: &'static str,
    text: &'static str,
    /// Whether it is about recording.
    writes: bool,
}

const FILES: [File; 2] = [
    File {
        uri: "skill://record-decisions/SKILL.md",
        title: "Skill: recording decisions worth reading",
        text: include_str!("../../skills/record-decisions/SKILL.md"),
        writes: true,
    },
    File {
        uri: "skill://debug-runs/SKILL.md",
        title: "Skill: finding out why a run went wrong",
        text: include_str!("../../skills/debug-runs/SKILL.md"),
        writes: false,
    },
];

/// The skills for a client that is offered these tools.
pub(super) fn list(offer: Offer) -> Vec<Skill> {
    offered(offer).map(File::skill).collect()
}

/// One skill by the URI of its `SKILL.md`.
///
/// # Errors
/// When there is no such skill.
pub(super) fn get(offer: Offer, uri: &str) -> Result<Skill, ErrorData> {
    find(offer, uri).map(File::skill)
}

/// The files of the skills as resources.
pub(super) fn resources(offer: Offer) -> impl Iterator<Item = Resource> {
    offered(offer).map(|file| {
        let frontmatter = file.frontmatter();
        Resource::new(file.uri, frontmatter.name)
            .with_title(file.title)
            .with_description(frontmatter.description)
            .with_mime_type(MARKDOWN)
    })
}

/// Whether a URI is one of a skill, be there one or not.
pub(super) fn is_skill(uri: &str) -> bool {
    uri.starts_with("skill://")
}

/// Reads a file of a skill.
///
/// # Errors
/// When there is no such file.
pub(super) fn read(offer: Offer, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let file = find(offer, uri)?;
    let contents = ResourceContents::text(file.text, file.uri).with_mime_type(MARKDOWN);
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(FOR_MS).with_cache_scope(CacheScope::Public))
}

fn offered(offer: Offer) -> impl Iterator<Item = &'static File> {
    FILES.iter().filter(move |file| offer.has(file.writes))
}

fn find(offer: Offer, uri: &str) -> Result<&'static File, ErrorData> {
    offered(offer).find(|file| file.uri == uri).ok_or_else(|| {
        let uris: Vec<&str> = offered(offer).map(|file| file.uri).collect();
        ErrorData::resource_not_found(format!("no such skill; there are {}", uris.join(", ")), None)
    })
}

impl File {
    fn skill(&self) -> Skill {
        let file = SkillResource::from_bytes(self.uri, self.text.as_bytes());
        Skill::new(self.uri, self.frontmatter(), SkillResources::Files(vec![file]))
    }

    /// The two fields at the head of the file, each on a line of its own.
    fn frontmatter(&self) -> SkillFrontmatter {
        let field = |name: &str| {
            let lines = self.text.lines().skip(1).take_while(|line| *line != "---");
            lines
                .filter_map(|line| line.split_once(": "))
                .find(|(key, _)| *key == name)
                .map_or("", |(_, value)| value)
        };
        SkillFrontmatter::new(field("name"), field("description"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Principal;
    use crate::mcp::ToolSet;
    use crate::mcp::registry::all_names;
    use crate::store::index::Scope;

    fn offer(set: ToolSet) -> Offer {
        Offer::of(set, &Principal::trusted(Scope::All))
    }

    #[test]
    fn every_skill_is_what_the_specifications_ask_for() {
        for skill in list(offer(ToolSet::All)) {
            skill.validate().unwrap();
            let description = &skill.frontmatter.description;
            assert!((50..=1_024).contains(&description.chars().count()), "{description}");
            assert!(!description.contains(": "), "YAML would take it for a map: {description}");
        }
    }

    #[test]
    fn a_skill_names_only_tools_that_there_are_and_is_short() {
        for file in &FILES {
            assert!(file.text.len() < 6_000, "{}: {} bytes", file.uri, file.text.len());
            for word in file.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                if word.starts_with("trace_") && !["trace_id", "trace_id_a", "trace_id_b"].contains(&word) {
                    assert!(all_names().any(|name| name == word), "{}: {word}", file.uri);
                }
            }
        }
    }

    #[test]
    fn a_skill_is_offered_where_its_tools_are() {
        let names = |set| list(offer(set)).iter().map(|skill| skill.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(ToolSet::All), ["record-decisions", "debug-runs"]);
        assert_eq!(names(ToolSet::Write), ["record-decisions"]);
        assert_eq!(names(ToolSet::Read), ["debug-runs"]);
        let error = get(offer(ToolSet::Read), "skill://record-decisions/SKILL.md").unwrap_err();
        assert_eq!(error.message, "no such skill; there are skill://debug-runs/SKILL.md");
    }
}
