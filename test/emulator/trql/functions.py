"""Which functions may be called, and with how many arguments."""

from trql.nodes import QueryProblem

# number of arguments (least, or least-most; + has no upper limit) -> names
_SCALARS = {
    "0": "today yesterday generateUUIDv4 rank dense_rank row_number",
    "0-1": "now",
    "0-2": "now64",
    "0+": "array tuple map",
    "1": """
        not negate abs exp log ln exp2 log2 exp10 log10 sqrt cbrt erf erfc lgamma tgamma sin cos
        tan asin acos atan sign empty notEmpty length lengthUTF8 char_length character_length
        lower upper lowerUTF8 upperUTF8 reverse reverseUTF8 base58Encode base58Decode
        base64Encode base64Decode tryBase64Decode ltrim rtrim space assumeNotNull toNullable
        isNull isNotNull toString toUInt8 toUInt16 toUInt32 toUInt64 toUInt128 toUInt256 toInt8
        toInt16 toInt32 toInt64 toInt128 toInt256 toFloat32 toFloat64 toUUID toUUIDOrNull
        toUUIDOrZero toTypeName toYear toQuarter toMonth toDayOfYear toDayOfMonth toHour
        toMinute toSecond toStartOfYear toStartOfQuarter toStartOfMonth toMonday toStartOfDay
        toStartOfHour toStartOfMinute toStartOfSecond toStartOfFiveMinutes toStartOfTenMinutes
        toStartOfFifteenMinutes toISOYear toISOWeek toIntervalSecond toIntervalMinute
        toIntervalHour toIntervalDay toIntervalWeek toIntervalMonth toIntervalQuarter
        toIntervalYear arrayEnumerate arrayPopBack arrayPopFront arrayJoin arrayDifference
        arrayDistinct arrayReverse arrayFlatten arrayCompact arrayProduct toJSONString untuple
        mapKeys mapValues MD5 SHA1 SHA224 SHA256 SHA384 SHA512 intHash32 intHash64 hex unhex
        protocol domain domainWithoutWWW topLevelDomain firstSignificantSubdomain
        cutToFirstSignificantSubdomain cutToFirstSignificantSubdomainWithWWW path pathFull
        queryString fragment extractURLParameters encodeURLComponent decodeURLComponent
        UUIDStringToNum UUIDNumToString isFinite isInfinite isNaN formatReadableDecimalSize
        formatReadableSize formatReadableQuantity runningDifference
        runningDifferenceStartingWithFirstValue first_value last_value""",
    "1-2": """
        round floor ceil ceiling trunc truncate trim trimLeft trimRight arrayStringConcat toDate
        toDateOrNull toDateOrZero toDate32 toDate32OrNull toDate32OrZero toDateTime
        toDateTimeOrNull toDateTimeOrZero toUnixTimestamp toStartOfWeek toTime
        parseDateTimeBestEffort parseDateTimeBestEffortOrNull parseDateTimeBestEffortOrZero
        arrayCount arraySort arrayReverseSort arrayShuffle arrayMin arrayMax arraySum arrayAvg
        arrayCumSum arrayCumSumNonNegative port formatReadableTimeDelta""",
    "1-3": """
        toDateTime64 toDateTime64OrNull toDateTime64OrZero toDayOfWeek toWeek toYearWeek
        parseDateTime64BestEffort parseDateTime64BestEffortOrNull
        parseDateTime64BestEffortOrZero range lagInFrame leadInFrame lag lead""",
    "1+": """
        concat concatAssumeInjective format coalesce arrayEnumerateDense arrayEnumerateUniq
        arrayEnumerateUniqRanked arrayUniq arrayIntersect arrayZip JSONHas JSONLength JSONType
        JSONExtractUInt JSONExtractInt JSONExtractFloat JSONExtractBool JSONExtractString
        JSONExtractRaw JSONExtractArrayRaw JSONExtractKeys sipHash64 sipHash128 cityHash64
        farmHash64 farmFingerprint64 xxHash32 xxHash64 murmurHash2_32 murmurHash2_64
        murmurHash3_32 murmurHash3_64 murmurHash3_128""",
    "2": """
        equals notEquals less greater lessOrEquals greaterOrEquals in notIn plus minus multiply
        divide intDiv intDivOrZero modulo moduloOrZero positiveModulo gcd lcm pow power
        appendTrailingCharIfAbsent endsWith startsWith left right repeat position
        positionCaseInsensitive positionUTF8 positionCaseInsensitiveUTF8 locate match
        multiMatchAny multiMatchAnyIndex multiMatchAllIndices multiSearchFirstPosition
        multiSearchFirstIndex multiSearchAny extract extractAll extractAllGroupsHorizontal
        extractAllGroupsVertical like ilike notLike notILike ifNull nullIf toFixedString
        toDecimal32 toDecimal64 toDecimal128 toDecimal256 addSeconds addMinutes addHours addDays
        addWeeks addMonths addQuarters addYears subtractSeconds subtractMinutes subtractHours
        subtractDays subtractWeeks subtractMonths subtractQuarters subtractYears toTimeZone
        arrayElement has hasAll hasAny hasSubstr indexOf countEqual arrayPushBack arrayPushFront
        JSONExtractKeysAndValues mapFromArrays mapContains extractURLParameter ifNotFinite least
        greatest min2 max2 nth_value""",
    "2-3": """
        substring substr mid substringUTF8 leftPad rightPad leftPadUTF8 rightPadUTF8 splitByChar
        splitByString splitByRegexp date_trunc dateTrunc formatDateTime parseDateTime
        arrayResize arraySlice arrayPartialSort arrayPartialReverseSort tupleElement neighbor""",
    "2-4": "toStartOfInterval",
    "2+": "and or xor JSONExtract arrayReduce",
    "3": """
        if convertCharset replace replaceOne replaceAll replaceRegexpOne replaceRegexpAll
        date_add date_sub dateAdd dateSub""",
    "3-4": "date_diff dateDiff transform",
    "3+": "multiIf",
    "4": "bar",
}
_AGGREGATES = {
    "0-1": "count",
    "1": """
        countDistinct min max sum avg any anyLast anyHeavy stddevPop stddevSamp varPop varSamp
        groupArray groupUniqArray groupArrayMovingAvg groupArrayMovingSum groupArraySample
        array_agg groupBitmap groupBitmapAnd groupBitmapOr groupBitmapXor median medianExact
        quantile topK quantileMerge quantilesMerge quantilesTDigestMerge sumMerge avgMerge
        countMerge minMerge maxMerge deltaSumTimestampMerge""",
    "1-2": "countIf countDistinctIf sumMap minMap maxMap",
    "1-99": "windowFunnel",
    "1+": "uniq uniqExact uniqHLL12 uniqTheta quantiles",
    "2": """
        minIf maxIf sumIf avgIf anyIf anyLastIf anyHeavyIf argMin argMax covarPop covarSamp corr
        groupArrayIf groupUniqArrayIf groupArrayInsertAt medianIf quantileIf
        simpleLinearRegression contingency cramersV theilsU""",
    "2+": "uniqIf uniqExactIf",
    "3": "argMinIf argMaxIf",
}
# where the engine's name is another one
_RENAMED = {"ln": "log", "substr": "substring", "mid": "substring", "ltrim": "trimLeft",
            "rtrim": "trimRight", "lag": "lagInFrame", "lead": "leadInFrame",
            "array_agg": "groupArray"}
# calls that are comparisons, by their exact name
COMPARISONS = frozenset((
    "equals", "notEquals", "less", "greater", "lessOrEquals", "greaterOrEquals", "like", "ilike",
    "notLike", "notILike", "in", "notIn"))
# whose first argument is a unit
UNIT_FUNCTIONS = frozenset(("dateadd", "datesub", "datediff", "date_add", "date_sub",
                            "date_diff"))
UNITS = frozenset(unit + plural for plural in ("", "s") for unit in (
    "nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week",
    "month", "quarter", "year"))


class Function:
    """What is known of a function."""

    __slots__ = ("name", "least", "most", "aggregate")

    def __init__(self, name, least, most, aggregate):
        self.name = name
        self.least = least
        self.most = most
        self.aggregate = aggregate

    def check(self, called, count):
        """Raise QueryProblem for a wrong number of arguments."""
        if count >= self.least and (self.most is None or count <= self.most):
            return
        if self.least == self.most:
            bound, number = "", self.least
        elif count < self.least:
            bound, number = "at least ", self.least
        else:
            bound, number = "at most ", self.most
        raise QueryProblem("%s '%s' expects %s%d argument%s, found %d" % (
            "Aggregation" if self.aggregate else "Function", called, bound, number,
            "" if number == 1 else "s", count))


def _table(groups, aggregate):
    known = {}
    for arity, names in groups.items():
        least, dash, most = arity.rstrip("+").partition("-")
        upper = int(most) if dash else (None if arity.endswith("+") else int(least))
        for name in names.split():
            known[name.lower()] = Function(_RENAMED.get(name, name), int(least), upper, aggregate)
    return known


_KNOWN = {**_table(_SCALARS, False), **_table(_AGGREGATES, True)}


def find(name):
    """Return the Function of this name, in whatever case, or None."""
    return _KNOWN.get(name.lower())


def names():
    """Return the names as the engine knows them."""
    return sorted({function.name for function in _KNOWN.values()})
