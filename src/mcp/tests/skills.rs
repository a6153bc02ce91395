//! Skills, as a client lists, gets and reads them.

use rmcp::model::{
    ClientRequest, GetSkillRequest, GetSkillRequestParams, ListSkillsRequest, ReadResourceRequestParams,
    ResourceContents, ServerResult, SkillResources,
};

use crate::mcp::testing::Bench;

#[tokio::test]
async fn the_bytes_of_a_skill_are_those_that_its_manifest_promises() {
    let bench = Bench::new();
    let client = bench.client().await;
    assert!(client.peer_info().unwrap().capabilities.supports_skills());
    let listed =
        client.send_request(ClientRequest::ListSkillsRequest(ListSkillsRequest::default())).await.unwrap();
    let ServerResult::ListSkillsResult(listed) = listed else { panic!("{listed:?}") };
    assert_eq!(listed.skills.len(), 2);
    for skill in listed.skills {
        let SkillResources::Files(files) = &skill.resources else { panic!("{skill:?}") };
        for file in files {
            let read = client.read_resource(ReadResourceRequestParams::new(&file.uri)).await.unwrap();
            let ResourceContents::TextResourceContents { text, .. } = &read.contents[0] else { panic!() };
            file.verify(text.as_bytes()).unwrap();
        }
        let request = GetSkillRequest::new(GetSkillRequestParams::new(skill.uri.clone()));
        let got = client.send_request(ClientRequest::GetSkillRequest(request)).await.unwrap();
        let ServerResult::GetSkillResult(got) = got else { panic!("{got:?}") };
        assert_eq!(got.skill, skill);
    }
}
