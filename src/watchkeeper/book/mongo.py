"""What code of the MongoDB shell would do: its text goes in; a risk with the sentence why comes out."""

from __future__ import annotations

import re

from watchkeeper.book.programs import word_set
from watchkeeper.book.verdicts import Judged

_DESTROY = re.compile(
    r"\.(?:drop\w*|remove\w*|delete\w*|findOneAndDelete|findAndModify|shutdownServer|dropDatabase)\s*(?:\?\.)?\s*\(|\$out|\$merge|"
    r"(?:runCommand|adminCommand)\s*\(\s*\{?\s*['\"]?(?:drop\w*|delete|shutdown|killAllSessions|convertToCapped|emptycapped)\b",
)  # fmt: skip
_CHANGE = re.compile(
    r"\.(?:insert\w*|update\w*|replace\w*|findOneAnd\w+|save|createIndex\w*|ensureIndex|stepDown|freeze|killOp|"
    r"setProfilingLevel|reconfig|initiate|add|addArb|compact|create\w+|grant\w+|revoke\w+|bulkWrite|"
    r"renameCollection|fsync\w*|reIndex|changeUserPassword|enableSharding|addShard\w*|"
    r"shardCollection|startBalancer|stopBalancer|setBalancerState|syncFrom|moveChunk|resync|hideIndex|"
    r"unhideIndex)\s*\(")  # fmt: skip
_READS = word_set(
    "find findOne count countDocuments stats status serverStatus currentOp getIndexes getCollectionNames getCollection "
    "aggregate hello isMaster version hostInfo explain getProfilingStatus getProfilingLevel printReplicationInfo "
    "printSecondaryReplicationInfo printSlaveReplicationInfo printCollectionStats printShardingStatus conf config "
    "getReplicationInfo getMongo getUsers getUser getRoles distinct estimatedDocumentCount dataSize totalSize storageSize "
    "totalIndexSize latencyStats serverBuildInfo secondaryOk setSecondaryOk setReadPref getCollectionInfos getSiblingDB getDB "
    "validate listCommands ping sort limit skip pretty toArray size hint project forEach map filter itcount hasNext "
    "next batchSize readPref maxTimeMS comment getName getLastError getBalancerState isBalancerRunning getShardDistribution "
    "serverCmdLineOpts getParameter getLog print printjson JSON stringify tojson slice length keys ISODate ObjectId "
    "NumberLong Date now getTime toISOString adminCommand runCommand auth getSecondaryOk")  # fmt: skip
_ASKS = re.compile(
    r"(?:runCommand|adminCommand)\s*\(\s*\{?\s*['\"]?(?:ping|serverStatus|replSetGetStatus|replSetGetConfig|dbStats|collStats|"
    r"listDatabases|listCollections|currentOp|hello|isMaster|connPoolStats|getParameter|buildInfo|hostInfo|getLog|top|"
    r"getCmdLineOpts|serverCmdLineOpts|explain|validate|count|find|balancerStatus|listShards|connectionStatus)\b")  # fmt: skip
_PLAIN = re.compile(r"(?:show\s+\w+|use\s+[\w<>${}-]+|it|help|exit|quit)", re.IGNORECASE)


#: commands of the server that alter state and can be taken back
_ALTERS = re.compile(
    r"(?:runCommand|adminCommand)\s*\(\s*\{?\s*['\"]?(?:setParameter|replSetStepDown|replSetFreeze|replSetReconfig|replSetInitiate|fsync|"
    r"fsyncUnlock|compact|createIndexes|collMod|enableSharding|shardCollection|split|moveChunk|moveRange|moveCollection|movePrimary|"
    r"balancerStart|balancerStop|"
    r"flushRouterConfig|rotateCertificates|logRotate|profile|killOp|killCursors|replSetSyncFrom|replSetMaintenance|create|insert|update|"
    r"grantRolesToUser|createUser|updateUser|createRole|setFeatureCompatibilityVersion|setUserWriteBlockMode|refineCollectionShardKey|"
    r"addShard|reIndex|setIndexCommitQuorum|clearJumboFlag|planCacheClear|invalidateUserCache)\b")  # fmt: skip


def _uncommented(text: str) -> str:
    """Leave out comments, which may stand between a name and what it is called with."""
    return re.sub(
        r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|/\*.*?\*/|(?<!:)//[^\n]*",
        lambda found: found.group(1) or " ",
        text,
        flags=re.DOTALL,
    )


def assess_mongo(text: str) -> Judged:
    """Judge code of the MongoDB shell by every method that it calls; a method that no rule knows makes it unknown."""
    text = _uncommented(text)
    found = _DESTROY.search(text)
    if found:
        return "destroy", f"{found.group().strip().strip('.(')} removes data or stops the server."
    if "bulkWrite" in text and re.search(r"\bdelete(?:One|Many)\b", text):
        return "destroy", "bulkWrite deletes."
    bare = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", "''", text)
    if re.search(r"\beval\s*\(|\bload\s*\(|\bfunction\b|=>|\bnew\s+Function\b|\[\s*''\s*\]\s*\(|`|\brequire\b", bare):
        return "unknown", "The code runs code of its own."
    if re.search(r"rs\.remove\b", bare):
        return "destroy", "rs.remove takes a member away."
    found = _CHANGE.search(bare)
    if found:
        return "change", f"{found.group().strip().strip('.(')} alters state."
    commands = len(re.findall(r"(?:runCommand|adminCommand)\s*\(", bare))
    if commands != len(_ASKS.findall(text)):
        alters = commands == len(_ASKS.findall(text)) + len(_ALTERS.findall(text))
        return "change" if alters else "unknown", "It runs a command of the server that may alter state."
    if re.search(r"\?\.\s*[(\[]|\]\s*(?:\?\.)?\s*\(|\[\s*''\s*\+|[{,]\s*\[|\\u|\.(?:call|apply|bind)\b", bare):
        return "unknown", "What is called in it is computed."
    called = re.findall(r"([A-Za-z_]\w*)\s*\(", bare)
    strange = next((name for name in called if name not in _READS), None)
    if strange:
        return "unknown", f"No rule knows {strange}()."
    if called:
        return "read", f"{called[-1]} and the like only ask."
    lines = [line.strip() for line in re.split(r"[;\n]", bare) if line.strip()]
    if lines and all(_PLAIN.fullmatch(line) for line in lines):
        return "read", "It only shows."
    return "unknown", "No rule knows what is called."
