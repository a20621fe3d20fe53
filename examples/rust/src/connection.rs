//! The channel to a server, the clients on it, and calls that are repeated.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::call_error::CallError;
use crate::deadline::Deadline;
use crate::patience::{ABSENCE, FIRST_CONTACT, Patience};
use crate::settings::{Security, Settings};
use crate::v1::backend_service_client::BackendServiceClient;
use crate::v1::job_service_client::JobServiceClient;
use crate::v1::{EncodedResult, GetResultRequest};

// A server that has become unreachable is noticed within 25 s, however long it was silent.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// A channel whose calls carry the caller's token.
pub type AuthorizedChannel = InterceptedService<Channel, Authorization>;

/// A connection to one server.
#[derive(Debug)]
pub struct Connection {
    channel: AuthorizedChannel,
    /// Of all calls together.
    pub deadline: Deadline,
}

impl Connection {
    /// Connects, and waits a little for a server that is about to start. From then on the
    /// channel connects again by itself when a call finds it broken.
    ///
    /// # Errors
    /// UNAVAILABLE: there is no server, or not the one that the certificate names.
    pub async fn open(settings: &Settings, deadline: Deadline) -> Result<Self, CallError> {
        let endpoint = endpoint(settings)?;
        let mut patience = Patience::new(FIRST_CONTACT, deadline);
        let channel = loop {
            match endpoint.connect().await {
                Ok(channel) => break channel,
                Err(error) => patience.pause(error.into()).await?,
            }
        };
        let authorization = Authorization(settings.authorization.clone());
        Ok(Self {
            channel: InterceptedService::new(channel, authorization),
            deadline,
        })
    }

    /// A client of the server's jobs. It is cheap to make, and so is a copy.
    #[must_use]
    pub fn jobs(&self) -> JobServiceClient<AuthorizedChannel> {
        JobServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    /// A client of the server's backends.
    #[must_use]
    pub fn backends(&self) -> BackendServiceClient<AuthorizedChannel> {
        BackendServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    /// Makes a call, again and again while the server is away.
    ///
    /// # Errors
    /// The last failure.
    pub async fn repeat<T>(
        &self,
        mut call: impl AsyncFnMut() -> Result<T, Status>,
    ) -> Result<T, CallError> {
        let mut patience = Patience::new(ABSENCE, self.deadline);
        loop {
            match call().await {
                Ok(response) => return Ok(response),
                Err(status) => patience.pause(status.into()).await?,
            }
        }
    }

    /// Fetches the result of a job in state DONE. When the connection breaks, it begins
    /// again with the first chunk.
    ///
    /// # Errors
    /// The last failure.
    pub async fn fetch_result(&self, job_id: &str) -> Result<EncodedResult, CallError> {
        let mut patience = Patience::new(ABSENCE, self.deadline);
        loop {
            match self.fetch_once(job_id, &mut patience).await {
                Ok(encoded) => return Ok(encoded),
                Err(status) => patience.pause(status.into()).await?,
            }
        }
    }

    /// No time limit on silence, unlike that of events: a server that sends many results
    /// already is silent until it has room for this one.
    async fn fetch_once(
        &self,
        job_id: &str,
        patience: &mut Patience,
    ) -> Result<EncodedResult, Status> {
        let request = GetResultRequest {
            job_id: job_id.to_owned(),
        };
        let request = self.deadline.request(request);
        let mut stream = self.jobs().get_result(request).await?.into_inner();
        let mut encoded = EncodedResult::default();
        while let Some(response) = stream.message().await? {
            patience.renew();
            if let Some(header) = response.header {
                encoded = header;
            }
            encoded.data.extend_from_slice(&response.chunk);
        }
        Ok(encoded)
    }
}

/// Adds the caller's token to each call, where there is one.
#[derive(Debug, Clone)]
pub struct Authorization(Option<MetadataValue<Ascii>>);

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

fn endpoint(settings: &Settings) -> Result<Endpoint, tonic::transport::Error> {
    let scheme = match settings.security {
        Security::Plaintext => "http",
        Security::SystemRoots | Security::OwnRoot(_) => "https",
    };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{}", settings.address))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true);
    let tls = match &settings.security {
        Security::Plaintext => return Ok(endpoint),
        Security::SystemRoots => ClientTlsConfig::new().with_native_roots(),
        Security::OwnRoot(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
    };
    endpoint.tls_config(tls)
}
