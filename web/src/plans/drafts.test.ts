import { beforeEach, describe, expect, it } from "vitest";

import { conflictingFields, drafts, unsavedFields } from "./drafts";

const ID = "task";

beforeEach(() => drafts.clear(ID));

describe("what is typed and not saved", () => {
  it("is kept field by field, and is gone when it says again what stands there", () => {
    drafts.type(ID, "title", "New", "Old");
    drafts.type(ID, "effort", "L", "M");
    expect(unsavedFields(drafts.get(ID), { title: "Old", effort: "M" })).toEqual({
      title: "New",
      effort: "L",
    });
    drafts.type(ID, "title", "Old", "Old");
    expect(drafts.get(ID)?.mine).toEqual({ effort: "L" });
    drafts.type(ID, "effort", "M", "M");
    expect(drafts.get(ID)).toBeNull();
  });

  it("outlives a reload", () => {
    drafts.type(ID, "title", "New", "Old");
    expect(sessionStorage.getItem("groundwork.draft.task")).toContain("New");
  });

  it("is contested only where somebody else has changed the same field to something else", () => {
    drafts.type(ID, "title", "Mine", "Old");
    const current = { title: "Old", effort: "M" };
    expect(conflictingFields(drafts.get(ID), { ...current, effort: "XL" })).toEqual([]);
    expect(conflictingFields(drafts.get(ID), { ...current, title: "Mine" })).toEqual([]);
    expect(conflictingFields(drafts.get(ID), { ...current, title: "Theirs" })).toEqual(["title"]);
  });

  it("stays or goes as the person says who has seen both", () => {
    drafts.type(ID, "title", "Mine", "Old");
    drafts.keepMine(ID, "title", "Theirs");
    expect(conflictingFields(drafts.get(ID), { title: "Theirs" })).toEqual([]);
    expect(unsavedFields(drafts.get(ID), { title: "Theirs" })).toEqual({ title: "Mine" });
    drafts.drop(ID, "title");
    expect(unsavedFields(drafts.get(ID), { title: "Theirs" })).toEqual({});
  });
});
