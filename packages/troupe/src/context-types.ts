/** The namespace `Context`: types that signatures of the context mesh name. */
export type {
  AudienceOptions,
  BatchOperation,
  BatchOperationError,
  BatchOperationResult,
  ContextLimits,
  ContextStats,
  DeletedTopic,
  DeleteOptions,
  DiscoverOptions,
  GetOptions,
  HistoryEntry,
  HistoryOptions,
  KeyMaker,
  KeyValue,
  Lifecycle,
  ListOptions,
  Pushed,
  PushOptions,
  Signal,
  TopicInfo,
  TopicPolicy,
  WatchItem,
  WatchOptions,
  Writers,
} from './context/index.ts'
export type {
  Provenance,
  TaintLabel,
  TraceContext,
  UserId,
} from './core/index.ts'
export type { AccessOptions, AccessSummary } from './security/index.ts'
