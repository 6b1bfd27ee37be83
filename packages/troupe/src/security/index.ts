/** Who may do what, and what was refused. */
export * from './access.ts'
export * from './incidents.ts'
export * from './roles.ts'
