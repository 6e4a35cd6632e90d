use aipoten_proto::identity::v1::key_service_server::KeyService;
use aipoten_proto::identity::v1::{GetJwksRequest, Jwks};
use tonic::{Request, Response, Status};

use crate::App;

#[tonic::async_trait]
impl KeyService for App {
    async fn get_jwks(&self, _: Request<GetJwksRequest>) -> Result<Response<Jwks>, Status> {
        Ok(Response::new(self.keys.public()))
    }
}
