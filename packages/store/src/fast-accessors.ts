// For what is asked with every message: V8 keeps an object literal with accessors as a hash table, whose every use is a
// look-up that no compiler removes. Objects that are the prototype of another are kept in order instead.

/** The same members, found faster. They are inherited: it can not be spread. */
export function withFastAccessors<Value extends object>(literal: Value): Value {
  return Object.create(literal) as Value
}
