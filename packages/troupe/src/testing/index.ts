/**
 * `troupe/testing`: what tests of agents need (a scripted model, a clock that moves when told, seeded chance, a load
 * tester), what proves a whole team (simulation, checkers of recorded histories), and what adapters' authors need (the
 * conformance suites, reference models, the storage port).
 */
export {
  type Clock,
  createIds,
  createVirtualClock,
  type Ids,
  type Json,
  type Principal,
  type Random,
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
  durableMigrations,
  type Recorder,
} from '../durable/index.ts'
export type { LoadReport, LoadThresholds } from '../resilience/index.ts'
export { LoadTester } from '../runtime/index.ts'
export {
  type Change,
  createDisk,
  type Disk,
  type FaultKind,
  type Faults,
  type Migration,
  type OpenedStorage,
  type OpenStorageOptions,
  openStorage,
  type Storage,
} from '../storage/index.ts'
export { AgentTestCase } from './agent-test-case.ts'
export * from './checkers/index.ts'
export type { ConformanceCase } from './conformance/conformance-case.ts'
export { type OpenForConformance, storageConformance } from './conformance/storage.ts'
export {
  executeTestWorkflow,
  type MockResponses,
  type TestWorkflow,
  type TestWorkflowResult,
} from './execute-test-workflow.ts'
export { type MockFunction, type MockItem, MockModel, type MockModelOptions, type MockResponse } from './mock-model.ts'
export { MockRemoteAgent, type MockRemoteAgentOptions, type RemoteResponse } from './mock-remote-agent.ts'
export * from './reference-context.ts'
export * from './reference-mailbox.ts'
export { ScriptedToolHandler, type ToolCallMade } from './scripted-tool-handler.ts'
export * from './simulation/index.ts'
