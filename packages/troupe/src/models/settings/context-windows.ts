/** The context windows of models, for limits that are given as a share of one. */
import { checkInteger } from '../../resilience/index.ts'

/** The window in tokens of a model without an entry: the least that current hosted models have. */
export const defaultContextWindow = 128_000

/**
 * The smallest window of the provider's current models, in tokens. A prompt that fits the smallest fits every model of it.
 * platform.claude.com/docs/en/about-claude/models, ai.google.dev/gemini-api/docs/models.
 */
const byProvider: ReadonlyMap<string, number> = new Map([
  ['anthropic', 200_000],
  ['google', 1_048_576],
])

/** @throws ValidationError that names the model */
export function checkContextWindows(windows: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  for (const [model, tokens] of Object.entries(windows)) checkInteger('contextWindows', model, tokens)
  return windows
}

/** @returns the function that returns the window of `provider/model` in tokens */
export const createContextWindows =
  (windows: Readonly<Record<string, number>>) =>
  (model: string): number =>
    (Object.hasOwn(windows, model) ? windows[model] : undefined) ??
    byProvider.get(model.slice(0, model.indexOf('/'))) ??
    defaultContextWindow
