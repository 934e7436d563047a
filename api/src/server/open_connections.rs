//! The open connections, and their limits for each address and in total.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::activity::ConnectionActivity;
use crate::graphql::operation::cost::network_prefix;

/// The maximum number of connections that are compared to make room.
const MAX_COMPARED_CONNECTIONS: usize = 256;

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionLimitReached {
    /// Its address has too many, and all have requests.
    Address,
    /// There are too many in total, and all have requests.
    Service,
}

/// The open connections.
#[derive(Debug, Default)]
pub struct OpenConnections {
    table: Mutex<ConnectionTable>,
    closed: Notify,
}

#[derive(Debug, Default)]
struct ConnectionTable {
    /// By number, in the order of their age.
    all: BTreeMap<u64, (IpAddr, Arc<ConnectionActivity>)>,
    /// The numbers of the connections of each address.
    by_network: HashMap<IpAddr, Vec<u64>>,
    next: u64,
    /// Where the last search for a connection to close ended.
    searched: u64,
}

impl ConnectionTable {
    fn remove(&mut self, number: u64) {
        let Some((network, _)) = self.all.remove(&number) else {
            return;
        };
        if let Some(numbers) = self.by_network.get_mut(&network) {
            numbers.retain(|one| *one != number);
            if numbers.is_empty() {
                self.by_network.remove(&network);
            }
        }
    }

    /// The connection of an address that has waited longest for its client.
    fn find_longest_waiting(&self, network: IpAddr) -> Option<u64> {
        let numbers = self.by_network.get(&network)?.iter();
        let waiting = numbers.filter_map(|number| Some((self.all.get(number)?.1.waiting_since()?, *number)));
        waiting.min().map(|(_, number)| number)
    }

    /// Chooses a waiting connection to close: of the address with the most connections, the one that has
    /// waited longest.
    fn find_most_dispensable(&mut self) -> Option<u64> {
        let from = self.searched;
        let in_turn = self.all.range(from..).chain(self.all.range(..from));
        let mut found = None;
        let mut last = from;
        for (number, (network, activity)) in in_turn.take(MAX_COMPARED_CONNECTIONS) {
            last = *number;
            if let Some(since) = activity.waiting_since() {
                let count = self.by_network.get(network).map_or(0, Vec::len);
                let rank = (std::cmp::Reverse(count), since, *number);
                found = found.min(Some(rank)).or(Some(rank));
            }
        }
        self.searched = last + 1;
        found.map(|(_, _, number)| number)
    }

    fn evict(&mut self, number: u64) {
        if let Some((_, activity)) = self.all.get(&number) {
            activity.evict();
        }
        self.remove(number);
    }
}

impl OpenConnections {
    fn lock_table(&self) -> MutexGuard<'_, ConnectionTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a connection. If there are too many, closes one that waits for its client.
    ///
    /// # Errors
    /// The limit that is reached, if no connection waits for its client.
    pub fn register(
        self: &Arc<Self>,
        address: IpAddr,
        most_of_address: Option<usize>,
        most: Option<usize>,
    ) -> Result<OpenConnection, ConnectionLimitReached> {
        let network = network_prefix(address);
        let mut table = self.lock_table();
        let of_address = table.by_network.get(&network).map_or(0, Vec::len);
        if most_of_address.is_some_and(|most| of_address >= most) {
            let dispensable = table
                .find_longest_waiting(network)
                .ok_or(ConnectionLimitReached::Address)?;
            table.evict(dispensable);
        }
        if most.is_some_and(|most| table.all.len() >= most) {
            let dispensable = table
                .find_most_dispensable()
                .ok_or(ConnectionLimitReached::Service)?;
            table.evict(dispensable);
        }
        let number = table.next;
        table.next += 1;
        let activity = ConnectionActivity::new();
        table.all.insert(number, (network, Arc::clone(&activity)));
        table.by_network.entry(network).or_default().push(number);
        drop(table);
        Ok(OpenConnection {
            number,
            activity,
            open: Arc::clone(self),
        })
    }

    /// Closes a waiting connection, as the process cannot open another file.
    pub fn evict_waiting(&self) {
        let mut table = self.lock_table();
        if let Some(number) = table.find_most_dispensable() {
            table.evict(number);
        }
    }

    pub fn count(&self) -> usize {
        self.lock_table().all.len()
    }

    pub async fn wait_until_empty(&self) {
        loop {
            let closed = self.closed.notified();
            if self.count() == 0 {
                return;
            }
            closed.await;
        }
    }
}

/// A registered connection. It is removed when this is dropped.
#[derive(Debug)]
pub struct OpenConnection {
    number: u64,
    /// The activity of the connection.
    pub activity: Arc<ConnectionActivity>,
    open: Arc<OpenConnections>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.lock_table().remove(self.number);
        self.open.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::settings::HttpSettings;

    fn parse_address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_evicted(connection: &OpenConnection) -> bool {
        let deadline = connection.activity.deadline(&HttpSettings::default());
        deadline.is_some_and(|deadline| deadline <= tokio::time::Instant::now())
    }

    #[tokio::test]
    async fn longest_waiting_connection_of_an_address_is_evicted() {
        let open = Arc::<OpenConnections>::default();
        let enter = |text| open.register(parse_address(text), Some(2), None);
        let first = enter("192.0.2.1").unwrap();
        let handled = first.activity.begin_request(false);
        let second = enter("192.0.2.1").unwrap();
        let other = enter("192.0.2.2").unwrap();
        let third = enter("192.0.2.1").unwrap();
        assert!(is_evicted(&second) && !is_evicted(&first) && !is_evicted(&other));
        let busy = third.activity.begin_request(false);
        assert_eq!(
            enter("192.0.2.1").unwrap_err(),
            ConnectionLimitReached::Address,
            "each has a request"
        );
        drop((handled, busy));
        assert!(enter("192.0.2.1").is_ok());
        // An IPv6 /64 network counts as one address.
        let one = enter("2001:db8::1").unwrap();
        let _two = enter("2001:db8::2").unwrap();
        let _three = enter("2001:db8::3").unwrap();
        assert!(is_evicted(&one));
    }

    #[tokio::test]
    async fn address_with_most_connections_is_evicted_first() {
        let open = Arc::<OpenConnections>::default();
        let enter = |text| open.register(parse_address(text), None, Some(4));
        let honest = enter("192.0.2.1").unwrap();
        let many = [(); 3].map(|()| enter("192.0.2.2").unwrap());
        let late = enter("192.0.2.3").unwrap();
        assert!(is_evicted(&many[0]) && !is_evicted(&honest));
        assert_eq!(open.count(), 4);
        drop((honest, many, late));
        assert_eq!(open.count(), 0);
        open.wait_until_empty().await;
    }
}
