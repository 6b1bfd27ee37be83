/** `troupe/compat/langgraph`: a graph of LangGraph.js as an agent of ours. */
export type { ForeignCall, ForeignOptions } from '../foreign/foreign-agent.ts'
export { fromLangGraph, type LangGraphGraph, type LangGraphOptions } from './from-langgraph.ts'
