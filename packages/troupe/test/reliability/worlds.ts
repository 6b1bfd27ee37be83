/** The worlds that hold the library's promises, and where they are. */
export const worlds = ['commits', 'journals', 'shared-state', 'runs', 'models', 'cancelled', 'frozen'] as const

export const worldOf = (name: string): URL => new URL(`../simulation/${name}.world.ts`, import.meta.url)
