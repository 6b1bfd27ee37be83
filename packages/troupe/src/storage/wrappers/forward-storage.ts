/** The part of a storage that a wrapper passes on. */
import type { OpenedStorage } from '../open-storage-options.ts'

/** Returns all members that a wrapper of commits and reads does not change, except `singleWriter`. */
export const forwardStorage = (storage: OpenedStorage): Omit<OpenedStorage, 'commit' | 'read' | 'singleWriter'> => ({
  dialect: storage.dialect,
  location: storage.location,
  feed: (user, after, limit) => storage.feed(user, after, limit),
  onHint: (listener) => storage.onHint(listener),
  ...(storage.broadcast ? { broadcast: storage.broadcast } : {}),
  state: () => storage.state(),
  onState: (listener) => storage.onState(listener),
  sizes: () => storage.sizes(),
  check: () => storage.check(),
  announce: (address) => storage.announce(address),
  setRetention: (retention) => storage.setRetention(retention),
  close: () => storage.close(),
})
