//! The places that tests use.

use super::Database;
use super::app::TestApp;

/// A file of places: a nation, its regions, and local authorities within them. The last has a successor.
pub const PLACES: &str = "code,name,kind,parents,successor
E92000001,England,NATION,,
E12000001,North East,REGION,E92000001,
E12000002,North West,REGION,E92000001,
E12000005,West Midlands,REGION,E92000001,
E06000001,Hartlepool,LOCAL_AUTHORITY,E12000001,
E06000002,Middlesbrough,LOCAL_AUTHORITY,E12000001,
E08000025,Birmingham,LOCAL_AUTHORITY,E12000005,
E07000001,Old Borough,LOCAL_AUTHORITY,,E08000025
";

/// [`PLACES`] and more rows.
pub fn places_with(rows: &str) -> String {
    format!("{PLACES}{rows}")
}

/// A service over a database with [`PLACES`] and nothing else.
pub async fn start_with_places(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    app.import_places(PLACES).await;
    app
}
