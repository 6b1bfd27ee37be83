/** The schemas that the OpenAPI document names, each under its name in clients. */

import {
  batchResultSchema,
  entrySchema,
  historyEntrySchema,
  provenanceSchema,
  watchItemSchema,
} from '../packages/troupe/src/server/schemas/entry-schemas.ts'
import { evaluatedRunSchema } from '../packages/troupe/src/server/schemas/evaluation-schemas.ts'
import {
  caseResultSchema,
  experimentSchema,
  experimentSummarySchema,
  sideTotalSchema,
} from '../packages/troupe/src/server/schemas/experiment-schemas.ts'
import {
  auditRecordSchema,
  doctorReportSchema,
  healthSchema,
  versionsSchema,
} from '../packages/troupe/src/server/schemas/health-schemas.ts'
import {
  deadLetterSchema,
  mailboxCountsSchema,
  messageSchema,
} from '../packages/troupe/src/server/schemas/message-schemas.ts'
import { problemSchema } from '../packages/troupe/src/server/schemas/problem-schema.ts'
import { storedErrorSchema } from '../packages/troupe/src/server/schemas/request-schemas.ts'
import { recordedEventSchema, runEventSchema } from '../packages/troupe/src/server/schemas/run-event-schema.ts'
import {
  explanationSchema,
  exportedRunSchema,
  inspectionSchema,
  livePartSchema,
  questionSchema,
  recordedCallSchema,
  runResultSchema,
  runStatusSchema,
  runSummarySchema,
  runViewSchema,
  sentPromptSchema,
  threadSummarySchema,
  uncertainEffectSchema,
} from '../packages/troupe/src/server/schemas/run-schemas.ts'
import { scheduleSchema } from '../packages/troupe/src/server/schemas/schedule-schema.ts'

export const components = {
  AuditRecord: auditRecordSchema,
  BatchResult: batchResultSchema,
  CaseResult: caseResultSchema,
  DeadLetter: deadLetterSchema,
  DoctorReport: doctorReportSchema,
  Entry: entrySchema,
  EvaluatedRun: evaluatedRunSchema,
  Experiment: experimentSchema,
  ExperimentSummary: experimentSummarySchema,
  Explanation: explanationSchema,
  ExportedRun: exportedRunSchema,
  Health: healthSchema,
  HistoryEntry: historyEntrySchema,
  Inspection: inspectionSchema,
  LivePart: livePartSchema,
  MailboxCounts: mailboxCountsSchema,
  Message: messageSchema,
  Problem: problemSchema,
  Provenance: provenanceSchema,
  Question: questionSchema,
  RecordedCall: recordedCallSchema,
  SentPrompt: sentPromptSchema,
  RecordedEvent: recordedEventSchema,
  RunEvent: runEventSchema,
  RunResult: runResultSchema,
  RunStatus: runStatusSchema,
  RunSummary: runSummarySchema,
  ThreadSummary: threadSummarySchema,
  RunView: runViewSchema,
  Schedule: scheduleSchema,
  SideTotal: sideTotalSchema,
  StoredError: storedErrorSchema,
  UncertainEffect: uncertainEffectSchema,
  Versions: versionsSchema,
  WatchItem: watchItemSchema,
}
