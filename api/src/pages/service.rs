//! What every page is given.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::app::App;
use crate::schema::execute::OperationExecutor;

/// The running service and the executor of its schema.
#[derive(Clone)]
pub struct PageService {
    pub app: Arc<App>,
    pub executor: OperationExecutor,
}

impl FromRef<PageService> for Arc<App> {
    fn from_ref(service: &PageService) -> Self {
        Self::clone(&service.app)
    }
}
