//! Secrets, sealed with data keys, and those with a master key.

use super::*;
use majordomo_domain::Secret;
use majordomo_store::{MasterKey, Rotated, StoredSecret};

#[tokio::test]
async fn secrets_are_kept_sealed_and_stay_the_same_through_rotations() {
    on_every_database(|store| async move {
        let master = MasterKey::random().unwrap();
        let secrets = store.unlock(master.clone()).await.unwrap();
        assert!(secrets.all().await.unwrap().is_empty());
        for (name, value) in [("TMDB", "one"), ("OPENAI", "two"), ("TMDB", "three")] {
            secrets.put(name, &Secret::new(value), 7).await.unwrap();
        }
        let listed = |version| {
            ["OPENAI", "TMDB"].map(|name| StoredSecret { name: name.into(), key_version: version, updated_at_ms: 7 })
        };
        assert_eq!(store.secret_names().await.unwrap(), listed(1));
        assert!(matches!(store.unlock(MasterKey::random().unwrap()).await, Err(StoreError::Unusable(_))));
        for version in 2..4 {
            let rotated = secrets.rotate(8).await.unwrap();
            assert_eq!(rotated, Rotated { key_version: version, resealed: 2, is_resumed: false });
            assert_eq!(store.secret_names().await.unwrap(), listed(version));
        }
        let next = MasterKey::random().unwrap();
        assert_eq!(secrets.change_master(&next).await.unwrap(), 1);
        assert!(matches!(store.unlock(master).await, Err(StoreError::Unusable(_))));
        let secrets = store.unlock(next).await.unwrap();
        let all = secrets.all().await.unwrap();
        assert_eq!((all["OPENAI"].expose(), all["TMDB"].expose()), ("two", "three"));
        store.remove_secret("TMDB").await.unwrap();
        assert!(matches!(store.remove_secret("TMDB").await, Err(StoreError::NotFound(_))));
        assert_eq!(secrets.all().await.unwrap().len(), 1);
    })
    .await;
}
