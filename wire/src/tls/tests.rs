//! Real handshakes in memory: who is let in, and who is not.

use std::io::{Read, Write};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::{ClientConnection, ServerConnection};

use super::*;

struct Ca {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn ca() -> Ca {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Ca { pem, issuer: Issuer::new(params, key) }
}

fn leaf(ca: &Ca, name: SanType, usage: ExtendedKeyUsagePurpose) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names.push(name);
    params.extended_key_usages.push(usage);
    (params.signed_by(&key, &ca.issuer).unwrap().pem(), key.serialize_pem())
}

fn server(ca: &Ca, trusts: &Ca) -> Arc<ServerConfig> {
    let name = SanType::DnsName(SERVER_NAME.try_into().unwrap());
    let (pem, key) = leaf(ca, name, ExtendedKeyUsagePurpose::ServerAuth);
    server_config(format!("{pem}{}", ca.pem).as_bytes(), key.as_bytes(), trusts.pem.as_bytes()).unwrap()
}

fn enroll_server(ca: &Ca) -> Arc<ServerConfig> {
    let name = SanType::DnsName(SERVER_NAME.try_into().unwrap());
    let (pem, key) = leaf(ca, name, ExtendedKeyUsagePurpose::ServerAuth);
    enroll_server_config(format!("{pem}{}", ca.pem).as_bytes(), key.as_bytes()).unwrap()
}

fn agent(ca: &Ca, trusts: &Ca) -> Arc<ClientConfig> {
    let name = SanType::URI("spiffe://site/agent/a".try_into().unwrap());
    let (pem, key) = leaf(ca, name, ExtendedKeyUsagePurpose::ClientAuth);
    client_config(trusts.pem.as_bytes(), pem.as_bytes(), key.as_bytes()).unwrap()
}

/// Carries bytes both ways until one side fails or the server has read the client's word.
fn converse(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Result<Vec<u8>, Error> {
    let mut client = ClientConnection::new(client, SERVER_NAME.try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    client.writer().write_all(b"secret").unwrap();
    let mut heard = Vec::new();
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut &bytes[..]).unwrap();
        let outcome = server.process_new_packets();
        let _ = server.reader().read_to_end(&mut heard);
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        outcome?;
        if !heard.is_empty() {
            return Ok(heard);
        }
        client.read_tls(&mut &bytes[..]).unwrap();
        client.process_new_packets()?;
    }
    Ok(heard)
}

#[test]
fn only_certificates_of_the_ca_converse() {
    let (ours, foreign) = (ca(), ca());
    let no_certificate = |trusts: &Ca| {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots(trusts.pem.as_bytes()).unwrap())
            .with_no_client_auth();
        Arc::new(config)
    };
    let rows = [
        ("an enrolled agent", agent(&ours, &ours), server(&ours, &ours), true),
        ("an agent of a foreign CA", agent(&foreign, &ours), server(&ours, &ours), false),
        ("a foreign collector", agent(&ours, &ours), server(&foreign, &ours), false),
        ("a client without certificate", no_certificate(&ours), server(&ours, &ours), false),
        ("an agent at the enrolment side", agent(&ours, &ours), enroll_server(&ours), false),
        (
            "the pinned CA",
            enroll_client_config(ca_fingerprint(ours.pem.as_bytes()).unwrap()).unwrap(),
            enroll_server(&ours),
            true,
        ),
        ("another CA than the pinned", enroll_client_config([1; 32]).unwrap(), enroll_server(&ours), false),
        (
            "enrolment at the ordinary side",
            enroll_client_config(ca_fingerprint(ours.pem.as_bytes()).unwrap()).unwrap(),
            server(&ours, &ours),
            false,
        ),
    ];
    for (who, client, server, admitted) in rows {
        let heard = converse(client, server);
        assert_eq!(heard.as_deref() == Ok(b"secret"), admitted, "{who}: {heard:?}");
    }
}

#[test]
fn an_agents_certificate_can_not_pass_for_the_collector() {
    let ours = ca();
    let name = SanType::DnsName(SERVER_NAME.try_into().unwrap());
    let (pem, key) = leaf(&ours, name, ExtendedKeyUsagePurpose::ClientAuth);
    let chain = format!("{pem}{}", ours.pem);
    let impostor = server_config(chain.as_bytes(), key.as_bytes(), ours.pem.as_bytes()).unwrap();
    assert!(converse(agent(&ours, &ours), impostor).is_err());
}

#[test]
fn bad_pem_is_named() {
    let rows: [(&[u8], &str); 2] = [
        (b"", "no certificate in the PEM text of the CA"),
        (
            b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
            "no certificate in the PEM text of the CA",
        ),
    ];
    for (pem, expected) in rows {
        assert_eq!(ca_fingerprint(pem).unwrap_err().to_string(), expected);
    }
}

#[test]
fn of_several_keys_the_fitting_one_is_used() {
    let ca = ca();
    let name = || SanType::URI("spiffe://site/agent/a".try_into().unwrap());
    let (pem, key) = leaf(&ca, name(), ExtendedKeyUsagePurpose::ClientAuth);
    let (_, other) = leaf(&ca, name(), ExtendedKeyUsagePurpose::ClientAuth);
    let both = [format!("{key}{other}"), format!("{other}\n{key}")];
    for (keys, expected) in
        [(&key, true), (&both[0], true), (&both[1], true), (&other, false), (&String::new(), false)]
    {
        let config = client_config(ca.pem.as_bytes(), pem.as_bytes(), keys.as_bytes());
        assert_eq!(config.is_ok(), expected);
        if let Ok(config) = config {
            assert!(converse(config, server(&ca, &ca)).is_ok());
        }
    }
}

#[test]
fn a_list_of_cas_trusts_each_and_is_taken_only_with_the_one_in_use() {
    let (old, new) = (ca(), ca());
    let both = Ca { pem: format!("{}{}", new.pem, old.pem), issuer: ca().issuer };
    for server_ca in [&old, &new] {
        assert!(converse(agent(server_ca, &both), server(server_ca, server_ca)).is_ok());
    }
    let name = SanType::DnsName(SERVER_NAME.try_into().unwrap());
    let (pem, _) = leaf(&old, name, ExtendedKeyUsagePurpose::ServerAuth);
    let chain = certificates(pem.as_bytes(), "server").unwrap();
    for (list, expected) in [(&old.pem, true), (&both.pem, true), (&new.pem, false), (&String::new(), false)]
    {
        assert_eq!(is_trusted(list.as_bytes(), &chain, UnixTime::now()), expected);
    }
    assert!(!is_trusted(old.pem.as_bytes(), &[], UnixTime::now()));
}
