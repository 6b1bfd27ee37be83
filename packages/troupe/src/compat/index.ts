/**
 * Agents of other frameworks and spellings of older versions, a folder and a public subpath each. Nothing else of Troupe
 * imports them, and none imports the package it is for.
 */
export * as aiSdk from './ai-sdk/index.ts'
export * as decorators from './decorators/index.ts'
export * as functions from './function/index.ts'
export * as langgraph from './langgraph/index.ts'
export * as marsys from './marsys/index.ts'
export * as openaiAgents from './openai-agents/index.ts'
export * as syntha from './syntha/index.ts'
