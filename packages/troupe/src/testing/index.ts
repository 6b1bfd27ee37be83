/**
 * `troupe/testing`: for tests of agents a scripted model, a virtual clock, seeded random numbers and a load tester; for
 * tests of a complete team a simulation and checkers of recorded histories; for authors of adapters the conformance
 * suites, reference models and the storage port.
 */
export {
  createIds,
  createVirtualClock,
  type Ids,
  type Principal,
  seededRandom,
  systemClock,
  systemRandom,
  type VirtualClock,
} from '../core/index.ts'
export {
  createInbox,
  createJournals,
  createSteps,
  createTimers,
  journalMigrations,
  type Recorder,
} from '../journal/index.ts'
export { LoadTester } from '../resilience/index.ts'
export {
  type Bind,
  type Broadcast,
  type BroadcastConnection,
  type Cell,
  type Change,
  type ChangeBatch,
  type ChangeObserver,
  type ChangeSlice,
  type CommitResult,
  type Content,
  createDisk,
  type Dialect,
  type Disk,
  type DiskObserver,
  type Expect,
  type FaultKind,
  type Faults,
  type FeedItem,
  type FeedPage,
  type FeedRow,
  type Fragment,
  type Hint,
  type InboxArrival,
  type InsertedRows,
  type Migration,
  type Now,
  type OpenedStorage,
  type OpenStorageOptions,
  openStorage,
  type Probe,
  type ReplyCell,
  type Row,
  type SingleWriter,
  type SqlQuery,
  type Statement,
  type Storage,
  type StorageFinding,
  type StorageRetention,
  type StorageScope,
  type Vacuum,
  type WorkQueue,
  type WriterProblem,
  type WriterReply,
  type WriterRequest,
} from '../storage/index.ts'
export { AgentTestCase } from './agent-test-case.ts'
export * from './checkers/index.ts'
export type { ConformanceCase } from './conformance/conformance-case.ts'
export type { OpenForConformance } from './conformance/open-for-conformance.ts'
export { storageConformance } from './conformance/storage-conformance.ts'
export {
  executeTestWorkflow,
  type MockResponses,
  type TestWorkflow,
  type TestWorkflowResult,
} from './execute-test-workflow.ts'
export { type MockFunction, type MockItem, MockModel, type MockModelOptions, type MockResponse } from './mock-model.ts'
export { MockRemoteAgent, type MockRemoteAgentOptions, type RemoteResponse } from './mock-remote-agent.ts'
export type { ReferenceActor, ReferencePush } from './reference-actor.ts'
export * from './reference-context.ts'
export * from './reference-mailbox.ts'
export { ScriptedToolHandler, type ToolCallMade } from './scripted-tool-handler.ts'
export * from './simulation/index.ts'
