/** A recorder for tests of the loop of an LlmAgent. */
import type { Recorder } from '../../journal/index.ts'

/** Carries out at once and keeps nothing: enough for the loop; the record itself is tested with real steps. */
export function plainRecorder(): Recorder {
  const controller = new AbortController()
  let taint: readonly string[] = []
  const recorder = {
    step: 'session:t#1',
    principal: { userId: 'u', kind: 'agent', name: 'A' },
    runId: undefined,
    signal: controller.signal,
    answer: async (_: unknown, ask: () => unknown) => ask(),
    answerNow: (_: unknown, ask: () => unknown) => ask(),
    effect: async (name: string, _: unknown, fn: (call: unknown) => unknown) =>
      fn({ key: name, signal: controller.signal, taint: () => {} }),
    stage: (write: { fragment: () => unknown }) => {
      write.fragment()
      return true
    },
    commit: async () => {},
    recordOfWait: () => 'new',
    body: async (_: string, run: (inner: unknown) => unknown) => run(recorder),
    get taint() {
      return taint
    },
    addTaint: (labels: readonly string[]) => {
      taint = [...taint, ...labels]
    },
    taintSource: () => undefined,
    scoped: (labels: readonly string[] = []) => ({
      recorder,
      labels: () => labels,
      leave: (passedOn: readonly string[]) => {
        taint = [...taint, ...passedOn]
      },
    }),
  }
  return recorder as unknown as Recorder
}
