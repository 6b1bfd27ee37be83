/** Runs of teams: the pure machine, the engine that executes it, history, schedules and evaluation. */
export { type AgentSteps, type AskedBy, agentStepsOf, findQuestion, takesPart } from './engine/agent-steps.ts'
export { createDailyUsage, type DailyLimits, type DailyUsage } from './engine/budgets/daily-usage.ts'
export { type LimitsConfig, readLimits } from './engine/budgets/limits-config.ts'
export { callRecordedTool, planToolCall } from './engine/calls/call-recorded-tool.ts'
export type { CommandOptions } from './engine/commands/command-options.ts'
export { createOrchestra } from './engine/create-orchestra.ts'
export type { RunEdits } from './engine/edit-run.ts'
export type {
  EventOptions,
  EventWithPath,
  NumberedEvent,
  RunEvent,
} from './engine/events/run-event.ts'
export { readOpenQuestions } from './engine/execution/fold-run.ts'
export type { ForkOptions } from './engine/forks/fork-options.ts'
export type { ForkPlan, RepeatedEffect } from './engine/forks/plan-fork.ts'
export type { RetryOptions } from './engine/forks/retry-run.ts'
export {
  Orchestra,
  type ResponseOf,
  type RunQueryOptions,
  type RunView,
} from './engine/orchestra.ts'
export type { OrchestraHost } from './engine/orchestra-host.ts'
export type { RunLivePart } from './engine/orchestra-parts.ts'
export { openProcessLease, type ProcessLease } from './engine/ownership/process-lease.ts'
export { RunClaims } from './engine/ownership/run-claims.ts'
export { Run } from './engine/run.ts'
export type { BranchResult, RunQuestion, RunResult, UncertainEffectOfRun } from './engine/run-result.ts'
export {
  readTeamRequest,
  resolveTeam,
  type TeamKind,
  type TeamReference,
  type TeamRequest,
} from './engine/starts/resolve-team.ts'
export type { Known } from './engine/starts/run-code.ts'
export { startAs } from './engine/starts/start-as.ts'
export type { RunOptions, StartSpec } from './engine/starts/start-run.ts'
export { readAccountOutline } from './engine/store/account-text.ts'
export { type AllRunsOptions, listAllRuns, type UserRunSummary } from './engine/store/all-users/list-all-runs.ts'
export type { AllRunsStatus } from './engine/store/all-users/read-all-runs.ts'
export { createEndedRuns, type EndedRuns } from './engine/store/ended-runs.ts'
export { listRunSummaries, type RunListOptions, type RunSummary, summaryOf } from './engine/store/list-run-summaries.ts'
export type { RetentionTimes } from './engine/store/retained-records.ts'
export type { RunFilter } from './engine/store/run-filter.ts'
export { childJournalPrefixes, threadPrefix } from './engine/store/run-journals.ts'
export { runMigrations, runTables } from './engine/store/run-migrations.ts'
export { createRunStore } from './engine/store/run-store.ts'
export {
  readUsageGroups,
  type UsageGroup,
  type UsageGrouping,
  type UsageGroupOptions,
} from './engine/store/usage/read-usage-groups.ts'
export type { UsageHistoryOptions, UsageInterval } from './engine/store/usage/read-usage-history.ts'
export type {
  ThreadListOptions,
  ThreadOptions,
  ThreadSummary,
  ThreadView,
} from './engine/threads/read-threads.ts'
export { uncertainEffects } from './engine/uncertain-effects.ts'
export type { Dataset, DatasetCase } from './evaluation/datasets/dataset.ts'
export { parseDataset } from './evaluation/datasets/parse-dataset.ts'
export type { EvaluateOptions, Evaluation, EvaluationProgress } from './evaluation/evaluate.ts'
export type {
  EvaluatedRun,
  EvaluationChange,
  RunMetrics,
  Spent,
} from './evaluation/evaluate-run.ts'
export type { OpenEvaluationTroupe } from './evaluation/evaluation-troupe.ts'
export type {
  CaseResult,
  Experiment,
  ExperimentDifference,
  ExperimentLimits,
  ExperimentSide,
  ExperimentSummary,
  ExperimentTeam,
  ExperimentTotal,
  SideTotal,
} from './evaluation/experiments/experiment.ts'
export type { ExperimentBudget } from './evaluation/experiments/experiment-budget.ts'
export type {
  ExperimentOptions,
  ExperimentProgress,
  ExperimentSpec,
} from './evaluation/experiments/experiment-options.ts'
export { type ExperimentListOptions, Experiments } from './evaluation/experiments/experiments.ts'
export { checkOnlineScoring } from './evaluation/online/check-online-scoring.ts'
export type { OnlineScores } from './evaluation/online/online-score-store.ts'
export { OnlineScoring, type OnlineScoringOptions } from './evaluation/online/online-scoring.ts'
export type { ScoreHistoryOptions, ScoreInterval } from './evaluation/online/read-score-history.ts'
export type { UnrecordedCall } from './evaluation/recorded-calls.ts'
export type { Score } from './evaluation/score-answer.ts'
export { type Agreement, agreementOf } from './evaluation/scorers/agreement.ts'
export { citesSources } from './evaluation/scorers/cites-sources.ts'
export { exactMatch } from './evaluation/scorers/exact-match.ts'
export { type Judge, type JudgeOptions, judge, type LabelledChoice } from './evaluation/scorers/judge.ts'
export { matchesSchema } from './evaluation/scorers/matches-schema.ts'
export type {
  NamedScores,
  ScoreAnswer,
  ScoreContext,
  ScoredRun,
  ScoreFunction,
  ScoreQuestion,
  Verdict,
} from './evaluation/scorers/score-function.ts'
export { type SimilarityOptions, similarity } from './evaluation/scorers/similarity.ts'
export type { ReplayResult } from './history/compare-replay.ts'
export type { Comparison } from './history/compare-runs.ts'
export type {
  ContextRead,
  ContextWrite,
  DataAccess,
  MessageThen,
} from './history/data-access.ts'
export type { RunExplanation } from './history/explain/explain.ts'
export type { ExplanationLine } from './history/explain/explanation-line.ts'
export type { ExportedRun, ExportOptions } from './history/export-run.ts'
export type {
  Inspection,
  NextStep,
  SuspendedFailure,
} from './history/inspect-run.ts'
export { OpenedRun, openExport } from './history/open-export.ts'
export type { Redaction } from './history/redact-run.ts'
export type {
  BranchThen,
  JoinStateAt,
  RunStateAt,
  StepThen,
} from './history/run-state-at.ts'
export { findStaleRuns, type StaleRun } from './history/stale-runs.ts'
export type { RecordedCall } from './history/steps/recorded-call.ts'
export type { SentPrompt } from './history/steps/sent-prompts.ts'
export type { ExecutedStep } from './history/steps/steps-of.ts'
export type { CapturedState, Interaction, Trace, TracedError } from './history/trace/run-trace.ts'
export { Tracer, type TracerOptions } from './history/trace/tracer.ts'
export type { RunUndoResult, UndoOptions } from './history/undo-run.ts'
export type { Branch, BranchStatus } from './machine/branches/branches-slice.ts'
export type { BudgetHolder, BudgetUse } from './machine/budgets/budget-use.ts'
export type { ChildMessage } from './machine/command.ts'
export type { JoinState, JoinStatus, Slot } from './machine/joins/joins-slice.ts'
export type { AgentPath } from './machine/labels/agent-path.ts'
export type {
  AnswerTo,
  BranchId,
  BranchOrigin,
  Breakpoint,
  Cancellation,
  Command,
  Event as CoreEvent,
  Guard,
  Input as CoreInput,
  JoinId,
  Pinned,
  QuestionId,
  QuestionRef,
  Result,
  RunCharged,
  StepEnding,
  StepId,
  StepUsage,
  WaitReason,
} from './machine/machine-events.ts'
export type { QuestionStatus } from './machine/people/questions-slice.ts'
export type {
  Amounts as BudgetAmounts,
  BranchAgent,
  BudgetGranted,
  BudgetRequested,
  ChildChanged,
  ChildrenCancelled,
  ClockJumped,
  GuardrailTripped,
  PinnedThread,
  RunReason,
  RunWaiting,
  StepAgent,
  StepAnswer,
  Tainted,
  TimerChanged,
} from './machine/result.ts'
export type { Step, StepStatus } from './machine/steps/steps-slice.ts'
export { checkSchedulesConfig, createSchedules, type SchedulesConfig } from './schedules/create-schedules.ts'
export type { PrepareTask, ScheduleTrigger } from './schedules/schedule-code.ts'
export type { ScheduleHost } from './schedules/schedule-host.ts'
export type { Overlap, ScheduleOptions, ScheduleSpec } from './schedules/schedule-spec.ts'
export type { ScheduleProblem, ScheduleState } from './schedules/schedule-store.ts'
export type { Schedule } from './schedules/schedule-view.ts'
export { Schedules } from './schedules/schedules.ts'
