/** The types and functions that all modules use. Imports no other module. */

export { checkConstruct, construct } from './construct.ts'
export {
  type ContentPart,
  contentOf,
  type FileOptions,
  type FilePart,
  file,
  image,
  isFilePart,
  isFileUrl,
  maxFileCharacters,
  type SourcePart,
  type TextPart,
} from './content-part.ts'
export { catalogue, type ErrorCode } from './errors/catalogue.ts'
export type { CatalogueEntry } from './errors/catalogue-entry.ts'
export { concealErrors, concealErrorsInParts } from './errors/conceal-errors.ts'
export * from './errors/failure.ts'
export * from './errors/passing-failures.ts'
export * from './errors/stored-error.ts'
export * from './errors/troupe-error.ts'
export * from './events/envelope.ts'
export { eventNames } from './events/event-names.ts'
export type { EventName, EventPayloads } from './events/event-payloads.ts'
export * from './events/events.ts'
export { callReported, reportCallback } from './events/report-callback.ts'
export {
  addStepTaint,
  currentStep,
  isInStep,
  runWithStepTaint,
  type StepTaint,
  stepTaint,
  unknownTaint,
} from './events/step-taint.ts'
export type { FetchPort } from './fetch-port.ts'
export * from './ids.ts'
export { asJson } from './json/as-json.ts'
export * from './json/canonical-json.ts'
export * from './json/capture.ts'
export * from './json/copy-limit.ts'
export * from './json/encode-in-time.ts'
export * from './json/json.ts'
export { jsonInParts } from './json/json-in-parts.ts'
export { textOfValue } from './json/text-of-value.ts'
export { withoutByteOrderMark } from './json/without-byte-order-mark.ts'
export { loadOptional } from './load-optional.ts'
export type { Platform } from './platform.ts'
export * from './question.ts'
export * from './recording.ts'
export * from './redactor.ts'
export * from './reviewable-text.ts'
export * from './time/clock.ts'
export * from './time/duration.ts'
export { endable } from './time/endable.ts'
export * from './time/last-return.ts'
export * from './time/macrotask-queue.ts'
export * from './time/periodic-task.ts'
export * from './time/random.ts'
export { createServerClock } from './time/server-clock.ts'
export * from './time/time-slice.ts'
export * from './time/virtual-clock.ts'
export { whenAborted } from './time/when-aborted.ts'
export * from './time/work-timer.ts'
export { userKey } from './user-key.ts'
export * from './values/check-options.ts'
export { checkPorts } from './values/check-ports.ts'
export * from './values/is-object.ts'
export type { AsJson, Json, JsonInput, Recordable } from './values/json-value.ts'
export { lazy } from './values/lazy.ts'
export * from './values/long-values.ts'
export * from './values/lru-cache.ts'
export * from './values/name.ts'
export * from './values/nearest.ts'
export * from './values/page.ts'
export * from './values/schema.ts'
export * from './values/show.ts'
export * from './values/title-of.ts'
export * from './values/truncate-text.ts'
export { addModels, type UsageByModel } from './values/usage-by-model.ts'
export { version } from './version.ts'
