/** The worlds that hold the library's promises, and where they are. */
export const scenarios = [
  'commits',
  'journals',
  'shared-state',
  'runs',
  'models',
  'sessions',
  'schedules',
  'workers',
  'entries',
  'cancelled',
  'frozen',
] as const

export const scenarioOf = (name: string): URL => new URL(`../simulation/${name}.scenario.ts`, import.meta.url)
