//! Renewal and revocation over real sockets.

use super::*;

/// The answer to a renewal, as an agent's files.
fn renewed(key_pem: String, body: &[u8]) -> Agent {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    Agent { key_pem, chain_pem: answer["certificate"].as_str().unwrap().to_owned() }
}

#[tokio::test]
async fn a_renewal_is_for_the_id_of_the_connection_whatever_the_request_says() {
    let port = Port::open().await;
    let (web, db) = (port.agent_of("web", SITE, now_s()), port.agent_of("db", SITE, now_s()));
    let key = KeyPair::generate().unwrap();
    let mut wish = CertificateParams::new(vec!["other.example".to_owned()]).unwrap();
    let uri = "spiffe://mill/agent/db".try_into().unwrap();
    wish.subject_alt_names = vec![rcgen::SanType::URI(uri)];
    let csr = wish.serialize_request(&key).unwrap().pem().unwrap();
    let body = serde_json::json!({ "csr": csr, "agent_id": "db" }).to_string();
    let (status, answer) =
        port.send(port.config_of(&web), post("/v1/renew", body.clone().into())).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{answer:?}");
    let new = renewed(key.serialize_pem(), &answer);
    assert_eq!(port.send(port.config_of(&new), post("/v1/logs", logs())).await.unwrap().0, StatusCode::OK);
    for (agent, positions) in [(&new, 1), (&web, 1), (&db, 0)] {
        let (_, list) = port.send(port.config_of(agent), get("/v1/positions")).await.unwrap();
        assert_eq!(list.iter().filter(|byte| **byte == b'\n').count(), positions);
    }
    let bad = port.send(port.config_of(&web), post("/v1/renew", "{\"csr\":\"x\"}".into())).await.unwrap();
    assert_eq!(code(&bad), (400, "bad_renewal".to_owned()));
    assert_eq!(port.running.metrics.agents_renewals_total.value(), 1);
    let without = port.send(port.enroll_config(), post("/v1/renew", body.into())).await.unwrap();
    assert_eq!(code(&without).0, 404, "a newcomer has nothing to renew");
}

#[tokio::test]
async fn who_is_revoked_is_told_so_with_every_request_and_gets_no_certificate() {
    let port = Port::open().await;
    let [web, db] = ["web", "db"].map(|id| port.config_of(&port.agent_of(id, SITE, now_s())));
    let id = "web".parse().unwrap();
    port.revocations.revoke(&id).unwrap();
    let (_, csr) = key_and_request();
    let renewal = serde_json::json!({ "csr": csr }).to_string();
    for request in [post("/v1/logs", logs()), get("/v1/positions"), post("/v1/renew", renewal.into())] {
        let reply = port.send(Arc::clone(&web), request).await.unwrap();
        assert_eq!(code(&reply), (403, "agent_revoked".to_owned()));
    }
    assert_eq!(port.send(db, get("/v1/positions")).await.unwrap().0, StatusCode::OK);
    assert_eq!(port.running.metrics.agents_turned_away_total.value(), 3);
    port.revocations.unrevoke(&id).unwrap();
    assert_eq!(port.send(Arc::clone(&web), get("/v1/positions")).await.unwrap().0, StatusCode::OK);
    // What can't be read lets nobody in.
    std::fs::remove_dir_all(port.dir.revoked()).unwrap();
    std::fs::write(port.dir.revoked(), "").unwrap();
    let reply = port.send(web, get("/v1/positions")).await.unwrap();
    assert_eq!(code(&reply), (503, "revocations_unreadable".to_owned()));
}

#[tokio::test]
async fn another_enrolment_lets_a_revoked_agent_in_and_not_its_earlier_certificates() {
    let port = Port::open().await;
    let old = port.config_of(&port.agent_of("web", SITE, now_s() - 10));
    let enrol = async |fill, agent| {
        let terms = Terms { expiry_s: now_s() + 60, agent };
        let (key_pem, csr) = key_and_request();
        let (status, body) = port.enroll(&port.token_on(fill, &terms).secret_text(), &csr, "web").await;
        assert_eq!(status, StatusCode::OK);
        renewed(key_pem, &body)
    };
    let first = enrol(1, None).await;
    let id = "web".parse().unwrap();
    port.revocations.revoke(&id).unwrap();
    let reply = port.send(port.config_of(&first), get("/v1/positions")).await.unwrap();
    assert_eq!(code(&reply).1, "agent_revoked");
    let second = enrol(2, Some(id)).await;
    assert_eq!(port.send(port.config_of(&second), get("/v1/positions")).await.unwrap().0, StatusCode::OK);
    assert_eq!(code(&port.send(old, get("/v1/positions")).await.unwrap()).1, "agent_revoked");
}

#[tokio::test]
async fn the_open_connection_of_a_revoked_agent_is_closed() {
    let port = Port::open().await;
    let agent = port.config_of(&port.agent_of("web", SITE, now_s()));
    let tcp = TcpStream::connect(port.address).await.unwrap();
    let tls = TlsConnector::from(agent).connect(SERVER_NAME.try_into().unwrap(), tcp).await.unwrap();
    let (mut held, connection) = http1::handshake(TokioIo::new(tls)).await.unwrap();
    let connection = tokio::spawn(connection);
    assert_eq!(held.send_request(get("/v1/positions")).await.unwrap().status(), StatusCode::OK);
    port.revocations.revoke(&"web".parse().unwrap()).unwrap();
    // Nothing is sent any more: it ends by itself.
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    ended.expect("the connection is closed").unwrap().unwrap();
}
